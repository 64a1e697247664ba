import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Recipe } from './table.ts'

/** What each kind of peer is built with, and how to see that it is here. */

/** Why peers of a kind cannot be installed on this machine; undefined where they can. */
export function missingToolchain(kind: Recipe['kind']): string | undefined {
  switch (kind) {
    case 'go':
    case 'go-main':
    case 'kubernetes':
    case 'go-tree':
      return olderThan('Go', ['go', 'env', 'GOVERSION'], /go(\d+\.\d+)/, [1, 26])
    case 'pip':
      return (
        olderThan('Python', ['python3', '--version'], /(\d+\.\d+)/, [3, 10]) ??
        (succeeds('python3', '-c', 'import venv, ensurepip') ? undefined : "Python's venv is not here")
      )
    case 'cargo':
      return (
        olderThan('Rust', ['rustc', '--version'], /(\d+\.\d+)/, [1, 95]) ??
        (succeeds('cc', '--version') ? undefined : 'a C compiler is not here')
      )
    case 'image':
      return process.getuid?.() === 0 ? missingToolchain('go') : 'only root may make a tree of the image'
    case 'apt':
      if (!existsSync('/usr/bin/apt-get')) return 'apt-get is not here'
      return process.getuid?.() === 0 ? undefined : 'only root may install packages with apt-get'
  }
}

function olderThan(name: string, words: readonly string[], pattern: RegExp, wanted: [number, number]) {
  const [command = '', ...args] = words
  const text = run(command, args).stdout ?? ''
  const [, version] = pattern.exec(text) ?? []
  const needs = `${name} ${wanted.join('.')} or newer`
  if (version === undefined) return `${needs} is not here`
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) return undefined
  return `${needs} is not here, only ${version}`
}

const succeeds = (command: string, ...args: string[]) => run(command, args).status === 0

// A toolchain that would fetch a newer self is asked for the one that is here.
const run = (command: string, args: readonly string[]) =>
  spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, GOTOOLCHAIN: 'local' },
  })
