import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { cliEntry } from '../support/sandbox-cli.ts'

/** A user that no account has, as systemd makes one for a unit and Kubernetes for a container. */

const NOBODYS = 64_999

describe('the command line of a user without an account', () => {
  it('runs', { skip: process.getuid?.() !== 0 && 'only root can be somebody else' }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [cliEntry, 'completion', 'bash'], {
      ...{ uid: NOBODYS, gid: NOBODYS, encoding: 'utf8', cwd: '/' },
      env: { PATH: '/usr/bin:/bin', HOME: '/nowhere' },
    })
    assert.equal(status, 0, stderr)
    assert.match(stdout, /complete/)
  })
})
