// Runs the sources as they are, without a build: `node bin/dev.js tunnel --help`.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { run } from '@oclif/core'

const pjson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
pjson.oclif.commands.target = './cli/commands'
await run(process.argv.slice(2), {
  root: fileURLToPath(new URL('..', import.meta.url)),
  pjson,
  ignoreManifest: true,
})
