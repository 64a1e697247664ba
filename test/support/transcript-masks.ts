/** What differs from run to run in all that a command shows, and the word that stands for it in a transcript. */

const MASKS: ReadonlyArray<readonly [pattern: RegExp, word: string]> = [
  // Ids that the sandbox draws.
  [/(?<=\boperator-)[a-z0-9]{26}\b/g, 'SESSION'],
  [/(?<!\bkey\/)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'REQUEST'],
  [/\bAKIA[A-Z2-7]{16}\b/g, 'KEY'],
  [/(?<=\bsessions\/)[0-9a-f]{32}\b/g, 'DIGEST'],
  [/(?<=AWS_SECRET_ACCESS_KEY(='|": "))[^'"]+/g, 'SECRET'],
  [/(?<=\/\/pgctl:|"password":")[\w-]{32}(?![\w-])/g, 'PASSWORD'],
  [/(?<="nonce": ?")[\w-]{22}/g, 'NONCE'],
  [/(?<=\b(?:mac|prev|digest)(?:\\?": ?\\?"| +))[\w-]{43}/g, 'DIGEST'],
  // Checkpoints: the digest, the signature and the key.
  [/(?<=^\d+(?:\n|\\n))[\w+/]{43}=/gm, 'DIGEST'],
  [/(?<=\\n\d+\\n)[\w+/]{43}=/g, 'DIGEST'],
  [/(?<=— \S+ )[\w+/]{91}=/g, 'SIGNATURE'],
  [/(?<=pgctl-ledger\/ins-[0-9a-f]{32}\+)[0-9a-f]{8}\+[\w+/]{44}/g, 'KEY'],
  // Snapshots and points: their names hold a moment.
  [/\bpgctl-\d{12}-[0-9a-f]{12}\b/g, 'SNAPSHOT'],
  [/\bpt-\d{12}-[0-9a-f]{8}\b/g, 'POINT'],
  [/(?<=\b(?:restored|before)-)[0-9a-f]{6}(?=-)/g, 'POINT'],
  [/(?<=\bvalues )[\w-]{12}$|(?<="values": ")[\w-]{43}(?=")/gm, 'DIGEST'],
  [/(?<=\bplan |plan is |"digest": ")[0-9a-f]{16}\b/g, 'PLAN'],
  [/(?<=\b(?:beyond|until|on) )\d{4}-\d\d-\d\d\b/g, 'DAY'],
  [/\b\d+(?= s apart)|(?<="skewSeconds": )\d+/g, 'N'],
  // What is held.
  [/\blease-[0-9a-f]{8}\b/g, 'LEASE'],
  [/\bright-[0-9a-f]{8}\b/g, 'RIGHT'],
  [/(?<=\banswers after )\d+(?= s\b)/g, 'N'],
  // Moments and durations.
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|(?=[+-]\d\d:\d\d))/g, 'TIME'],
  [/\b(just now|\d+ (d|h|min|s) ago)\b/g, 'AGO'],
  [/\b\d\d:\d\d-\d\d:\d\d(?= UTC)/g, 'HOURS'],
  // What stands behind it in columns is as far away as the time is long.
  [/(?<=\b(?:until|next:) )(?:[A-Z][a-z]{2} )?\d\d:\d\d {2,}/g, 'TIME  '],
  [/(?<=\b(?:until|next:|again:) )(?:[A-Z][a-z]{2} )?(?:\d{4}-\d\d-\d\d )?\d\d:\d\d\b/g, 'TIME'],
  [/(?<=\bends at )\d\d:\d\d\b/g, 'TIME'],
  [/(?<=\bms(?:\\?": ?| +))\d+/g, 'MS'],
  [/(?<="downForMs":|"stopsInMs": )\d+/g, 'MS'],
  // What a copy takes on the wire depends on where its pieces are cut; nothing is always nothing.
  [/(?<="(?:sent|received)": ?)[1-9]\d*/g, 'BYTES'],
  [/(?<="tookMs": )\d+/g, 'MS'],
  [/(?<=\bback after )\d+\.\d(?= s\b)/g, 'N'],
  // Ports that the system gives, and those that another program may have moved.
  [/(?<=(127\.0\.0\.1|\[::1\]|localhost):)\d+/g, 'PORT'],
  [/(?<="port": ?)\d+/g, 'PORT'],
  [/(?<=\bport )\d+(?= of )/g, 'PORT'],
  [/(?<=-iTCP:)\d+/g, 'PORT'],
  [/(?<=\blocalhost:)\d+/g, 'PORT'],
  // This computer, and the programs on it.
  [/(?<=\bprocess |"pid": ?|\bps -p )\d+/g, 'PID'],
  [/\bpgctl\/\S+ \S+ node-v\S+/g, 'pgctl/VERSION PLATFORM node-VERSION'],
]

/** Replaces all of that, and the folders of the scenario and of the package. */
export function maskVolatile(text: string, places: { readonly home: string; readonly cli: string }): string {
  const placed = text.replaceAll(places.home, 'HOME').replaceAll(places.cli, 'PACKAGE')
  return MASKS.reduce((masked, [pattern, word]) => masked.replace(pattern, word), placed)
}
