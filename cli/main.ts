#!/usr/bin/env node
/**
 * The entry: small on purpose, and in words that an old Node can still parse, so that it can say which Node it needs.
 */
declare const PGCTL_VERSION: string

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(`pgctl needs Node 24.15 or newer; this is Node ${process.versions.node}.\n`)
  process.exitCode = 1
} else if (process.argv.length === 3 && process.argv[2] === '--version') {
  // Scripts ask this at every start: it needs no framework.
  process.stdout.write(`pgctl/${PGCTL_VERSION} ${process.platform}-${process.arch} node-${process.version}\n`)
} else {
  // Node lets FORCE_COLOR win, and warns in the middle of the output; whoever says no to colours means it.
  if (process.env['NO_COLOR']) delete process.env['FORCE_COLOR']
  const argv = process.argv.slice(2)
  const { becomeProgram } = await import('./quick-cluster.ts')
  await becomeProgram(argv, PGCTL_VERSION)
  const { cacheCompiledCode } = await import('./compile-cache.ts')
  cacheCompiledCode()
  const isPsql = argv[0] === 'psql'
  const status = isPsql
    ? await (await import('./quick-psql.ts')).runPsqlQuickly(argv, PGCTL_VERSION)
    : undefined
  if (status === undefined) await (await import('./cli.ts')).start()
  else process.exitCode = status
}

export {}
