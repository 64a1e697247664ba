import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AwsError } from '#sandbox/aws/aws-error.ts'
import { documentParameters, sessionDocument } from '#sandbox/aws/services/session-documents.ts'

const PREFERENCES = {
  idleMinutes: 20,
  maximumMinutes: undefined,
  kmsKeyId: 'arn:aws:kms:x',
  shellProfile: '',
  sessionLog: undefined,
}
const check = (name: string, given: unknown) => documentParameters(sessionDocument(name, PREFERENCES), given)

describe('session documents', () => {
  it("carry the account's preferences, whichever they are", () => {
    for (const name of ['SSM-SessionManagerRunShell', 'AWS-StartNonInteractiveCommand'])
      assert.equal(sessionDocument(name, PREFERENCES).inputs?.['kmsKeyId'], 'arn:aws:kms:x')
  })

  const GOOD: ReadonlyArray<[name: string, given: unknown, values: Record<string, string>]> = [
    ['SSM-SessionManagerRunShell', undefined, {}],
    ['AWS-StartPortForwardingSession', {}, {}],
    [
      'AWS-StartPortForwardingSession',
      { portNumber: ['1'], localPortNumber: ['0'] },
      { portNumber: '1', localPortNumber: '0' },
    ],
    ['AWS-StartPortForwardingSession', { portNumber: ['65535'] }, { portNumber: '65535' }],
    ['AWS-StartPortForwardingSessionToRemoteHost', { host: ['10.0.32.40'] }, { host: '10.0.32.40' }],
    ['AWS-StartPortForwardingSessionToRemoteHost', { host: ['fd00::1'] }, { host: 'fd00::1' }],
    [
      'AWS-StartNonInteractiveCommand',
      { command: ['a\nb'], separateOutputStream: ['true'] },
      { command: 'a\nb', separateOutputStream: 'true' },
    ],
  ]
  for (const [name, given, values] of GOOD)
    it(`${name} takes ${JSON.stringify(given)}`, () => {
      assert.deepEqual(check(name, given), values)
    })

  const BAD: ReadonlyArray<[name: string, given: unknown]> = [
    ['AWS-StartPortForwardingSession', { portNumber: ['0'] }],
    ['AWS-StartPortForwardingSession', { portNumber: ['65536'] }],
    ['AWS-StartPortForwardingSession', { portNumber: ['08'] }],
    ['AWS-StartPortForwardingSession', { portNumber: ['80', '81'] }],
    ['AWS-StartPortForwardingSession', { portNumber: '80' }],
    ['AWS-StartPortForwardingSession', { portNumber: [80] }],
    ['AWS-StartPortForwardingSession', { host: ['x.example'] }],
    ['AWS-StartPortForwardingSessionToRemoteHost', { host: ['ab'] }],
    ['AWS-StartPortForwardingSessionToRemoteHost', { host: ['a;b'] }],
    ['AWS-StartInteractiveCommand', {}],
    ['AWS-StartInteractiveCommand', { command: [''] }],
    ['AWS-StartNonInteractiveCommand', { command: ['x'], separateOutputStream: ['yes'] }],
    ['SSM-SessionManagerRunShell', { command: ['x'] }],
  ]
  for (const [name, given] of BAD)
    it(`${name} refuses ${JSON.stringify(given)}`, () => {
      assert.throws(
        () => check(name, given),
        (error) => error instanceof AwsError && error.code === 'InvalidParameters',
      )
    })

  it('there is no other', () => {
    assert.throws(
      () => sessionDocument('AWS-RunShellScript', PREFERENCES),
      (error) => error instanceof AwsError && error.code === 'InvalidDocument',
    )
  })
})
