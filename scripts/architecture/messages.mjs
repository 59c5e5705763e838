// Decisions by the text of an error, found by patterns in the text of a source.

/** What gives the message or the stack of an error. */
const read = String.raw`(?:[\w\])]\??\.(?:message|stack|expected)\b|\bmessageOf\((?:[^()]|\([^()]*\))*\)|\bString\((?:error|cause|thrown|reason)\)|\b(?:error|cause|thrown|reason)\.toString\(\))`;
const declared = new RegExp(String.raw`\b(?:const|let) (\w+)(?:: string)? =\s[^;(]*?${read}`, 'g');
const renamed = /\bmessage: (\w+)(?= ?[,}])/g;
const searches =
  'includes|startsWith|endsWith|indexOf|lastIndexOf|search|match|matchAll|split|slice|substring|at|charAt';

/**
 * The places where a source compares or searches the message or the stack of an error.
 * @param {string} path @param {string} text
 */
export function* decisionsByMessage(path, text) {
  const variables = [...text.matchAll(declared), ...text.matchAll(renamed)].map(([, name]) => name);
  const names = ['message', ...variables].join('|');
  const message = String.raw`(?:${read}|(?<![.\w'])(?:${names})\b(?!['(:]))`;
  const decision = new RegExp(
    [
      String.raw`${message}\)?(?:\??\.\w+\([^()]*\))*\??\.(?:${searches})\(`,
      String.raw`${message}\)? [!=]==? `,
      String.raw` [!=]==? \(?[\w.?!]*?${message}`,
      String.raw`\.(?:test|exec|has|get|includes)\(\s*[\w.?!]*?${message}`,
      String.raw`switch \([\w.?!]*?${message}`,
    ].join('|'),
    'g',
  );
  for (const { 0: found, index } of text.matchAll(decision)) {
    const line = text.slice(0, index).split('\n').length;
    yield `${path}:${line} decides by the text of an error, which has a code: ${found.trim()}`;
  }
}
