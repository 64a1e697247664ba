import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  auditLogGroup,
  formatInstallationFile,
  type InstallationFile,
  parseInstallationFile,
} from '#core/installation/installation-file.ts'

const ACME: InstallationFile = {
  name: 'acme',
  workspace: 'paragon-acme-5d1f0c2e',
  region: 'eu-central-1',
  // Without quotes YAML would read it as a number, and drop the zero.
  account: '011122223333',
  product: 'paragon',
}

describe('what a bastion knows of its installation', () => {
  it('is read as it was written', () => {
    assert.deepEqual(parseInstallationFile(formatInstallationFile(ACME)), ACME)
  })

  it('is also where its audit log goes, if anywhere', () => {
    const described = { pgctl: 1, installation: ACME, audit: { logGroup: '/pgctl/acme/audit' } }
    assert.equal(auditLogGroup(JSON.stringify(described)), '/pgctl/acme/audit')
    assert.equal(auditLogGroup(formatInstallationFile(ACME)), undefined)
    assert.throws(() => auditLogGroup(JSON.stringify({ ...described, audit: { logGroup: 'a b' } })), {
      ...{ code: 'config-invalid', why: /^audit\.logGroup: / },
    })
  })

  it('is refused with the key that is wrong', () => {
    const wrong = (change: object) => formatInstallationFile({ ...ACME, ...change } as InstallationFile)
    for (const [text, why] of [
      ['', /the whole: /],
      ['{', /the whole: /],
      ['- acme', /the whole: /],
      ['{"pgctl": 2}', /^pgctl: /],
      [wrong({ account: 11_122_223_333 }), /^installation\.account: /],
      [wrong({ region: 'somewhere' }), /^installation\.region: /],
      [wrong({ more: 1 }), /more/],
      [wrong({ name: undefined }), /^installation\.name: /],
    ] as const)
      assert.throws(() => parseInstallationFile(text), { code: 'config-invalid', why })
  })
})
