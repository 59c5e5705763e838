import { describe, expect, it } from 'vitest';
import { runBackwardBench } from '#lib/bench/backward.js';

describe('bench backward', () => {
  it('compares a loss with a loss and its gradients', () => {
    const [result, ...rest] = [...runBackwardBench(['mnist_mlp'], 2)];
    expect(rest).toEqual([]);
    expect(result).toMatchObject({ case: 'mnist_mlp', batch: 128, rounds: 2 });
    const { ratio = 0, forwardMs = 0, bothMs = 0 } = result ?? {};
    expect(forwardMs).toBeGreaterThan(0);
    expect(ratio).toBe(bothMs / forwardMs);
  });

  it('names the cases that there are', () => {
    expect(() => [...runBackwardBench(['vgg'])]).toThrow(
      'bench: unknown case vgg; the cases are tiny_mlp, mnist_mlp, large_mlp, lenet, mnist_cnn, resnet20, resnet18, char_gpt, lstm',
    );
  });
});
