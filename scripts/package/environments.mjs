// Places where Node.js runs with less than usual: each runs the program of the project, which trains XOR.

/** @typedef {import('./project.mjs').Project} Project */

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;

/** A shell in which this process's view of the file system may be changed. @param {Project} project @param {string} script */
const unshared = (project, script) => project.run('unshare', ['--mount', 'sh', '-euc', script]);

/** @type {{ name: string, files?: Record<string, string>, attempt: (project: Project) => Promise<unknown> }[]} */
export const environments = [
  {
    name: 'without a just-in-time compiler',
    attempt: (project) => project.run('node', ['--jitless', 'xor.mjs']),
  },
  {
    name: 'in 64 MB of heap',
    attempt: (project) => project.run('node', ['--max-old-space-size=64', 'xor.mjs']),
  },
  // Mounts take root, which a container has and a developer's machine may not.
  ...(isRoot
    ? [
        {
          name: 'without /proc',
          attempt: (/** @type {Project} */ project) =>
            unshared(project, 'mount -t tmpfs none /proc; test ! -e /proc/self; node xor.mjs'),
        },
        {
          name: 'on a read-only root, as nobody',
          attempt: (/** @type {Project} */ project) =>
            unshared(
              project,
              'chmod 755 .; mount --bind / /mnt; mount -o remount,ro,bind /mnt; ' +
                'chroot --userspec=65534:65534 /mnt sh -euc "cd \'$PWD\'; if touch x 2> /dev/null; then exit 1; fi; HOME=/nonexistent node xor.mjs"',
            ),
        },
      ]
    : []),
];
