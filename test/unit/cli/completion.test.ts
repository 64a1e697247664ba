import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { type CompletionModel, complete, completionScript, SHELLS } from '#cli/completion.ts'

const model: CompletionModel = {
  commands: [
    {
      path: ['tunnel'],
      flags: [
        { name: 'installation', char: 'i', takesValue: true },
        { name: 'route', takesValue: true, options: ['direct', 'cluster'] },
        { name: 'set', takesValue: true },
        { name: 'json', takesValue: false },
      ],
    },
    { path: ['tunnel', 'stop'], flags: [] },
    { path: ['logs'], flags: [] },
    { path: ['use'], flags: [{ name: 'json', takesValue: false }] },
    { path: ['sandbox', 'up'], flags: [{ name: 'detach', takesValue: false }] },
    { path: ['sandbox', 'down'], flags: [] },
  ],
  names: {
    background: ['prometheus'],
    sets: ['oncall'],
    installations: ['acme', 'apex'],
    services: ['hermes', 'hercules'],
    monitors: ['grafana'],
    datastores: ['postgres-hermes', 'redis'],
  },
}

describe('completion', () => {
  const rows: Array<{ words: string[]; found: string[]; why: string }> = [
    { words: [''], found: ['logs', 'sandbox', 'tunnel', 'use'], why: 'commands and topics, each once' },
    { words: ['sandbox', ''], found: ['down', 'up'], why: 'the words behind a topic' },
    { words: ['tunnel', 'gra'], found: ['grafana'], why: 'targets' },
    { words: ['tunnel', '--set', ''], found: ['oncall'], why: 'sets of the configuration' },
    { words: ['tunnel', 's'], found: ['stop'], why: 'or subcommands' },
    { words: ['tunnel', 'grafana', 's'], found: [], why: 'which only come first' },
    { words: ['tunnel', 'stop', ''], found: ['prometheus'], why: 'tunnels in the background' },
    { words: ['tunnel', 'po'], found: ['postgres-hermes'], why: 'datastores that were found' },
    { words: ['logs', 're'], found: [], why: 'a datastore has no logs here' },
    { words: ['logs', 'her'], found: ['hercules', 'hermes'], why: 'services' },
    { words: ['tunnel', '--ro'], found: ['--route'], why: 'flags' },
    { words: ['tunnel', '--route', ''], found: ['cluster', 'direct'], why: 'values of a flag with options' },
    { words: ['tunnel', '-i', 'ap'], found: ['apex'], why: 'names of installations' },
    { words: ['use', ''], found: ['acme', 'apex'], why: 'an installation to use' },
    { words: ['use', '--json', 'ac'], found: ['acme'], why: 'the same behind a switch' },
    { words: ['use', 'acme', ''], found: [], why: 'one is used at a time' },
    { words: ['tunnel', '--json', 'gra'], found: ['grafana'], why: 'a switch takes no value' },
    { words: ['exec', '--', 'l'], found: [], why: 'words behind two dashes are not ours' },
    { words: ['nonsense', ''], found: [], why: 'nothing fits an unknown command' },
    { words: [], found: ['logs', 'sandbox', 'tunnel', 'use'], why: 'no word yet' },
  ]
  for (const { words, found, why } of rows)
    it(`${JSON.stringify(words)}: ${why}`, () => assert.deepEqual(complete(words, model), found))

  for (const shell of SHELLS)
    it(`the script for ${shell} is one that it can parse`, (context) => {
      const check = spawnSync(shell, ['-n'], { input: completionScript(shell, 'pgctl'), encoding: 'utf8' })
      if (check.error) return context.skip(`${shell} is not installed`)
      assert.equal(check.stderr, '')
    })
})
