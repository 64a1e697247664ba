/**
 * Loaded before the CLI (`node --import`): puts a vendor of a test in the place of the release's own. The product has
 * no way of its own to name another vendor, so a test changes the source while it is loaded.
 */
import { registerHooks } from 'node:module'

const release = process.env['PGCTL_TEST_RELEASE']
if (release === undefined) throw new Error('PGCTL_TEST_RELEASE is not set')
JSON.parse(release)

registerHooks({
  load(url, context, nextLoad) {
    if (!url.endsWith('/core/vendor/release.ts')) return nextLoad(url, context)
    return { format: 'module', shortCircuit: true, source: `export const RELEASE = ${release}` }
  },
})
