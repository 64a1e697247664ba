import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError } from '#core/errors.ts'
import { commandOf, parseSessionJob, portPropertiesOf, separatesOutput } from '#sandbox/agent/job.ts'
import { splitWords } from '#sandbox/agent/words.ts'
import { boxed } from '../../support/boxed.ts'

function message(task: object): Uint8Array {
  return Buffer.from(
    JSON.stringify({ Content: JSON.stringify(task), TaskId: 't', Topic: 'x', SchemaVersion: 1 }),
  )
}

const portDocument = {
  schemaVersion: '1.0',
  sessionType: 'Port',
  parameters: {
    host: { type: 'String' },
    portNumber: { type: 'String', default: '80' },
    localPortNumber: { type: 'String', default: '0' },
  },
  properties: {
    host: '{{ host }}',
    portNumber: '{{ portNumber }}',
    localPortNumber: '{{localPortNumber}}',
    type: 'LocalPortForwarding',
  },
}

describe('session jobs', { timeout: 10_000 }, () => {
  it('fills in parameters and defaults, from lists and from texts', () => {
    for (const host of [['db.internal'], 'db.internal']) {
      const job = parseSessionJob(
        message({
          SessionId: 's-1',
          DocumentName: 'd',
          DocumentContent: portDocument,
          Parameters: { host, portNumber: ['5432'] },
        }),
      )
      assert.deepEqual(job.properties, {
        host: 'db.internal',
        portNumber: '5432',
        localPortNumber: '0',
        type: 'LocalPortForwarding',
      })
      assert.deepEqual(portPropertiesOf(job), { host: 'db.internal', port: 5432, multiplexed: true })
      assert.equal(job.kmsKeyId, undefined)
    }
  })

  it('connects to the node itself where the document names no host', () => {
    const job = parseSessionJob(
      message({
        SessionId: 's',
        DocumentContent: { sessionType: 'Port', properties: { portNumber: '22' } },
        Parameters: {},
      }),
    )
    assert.deepEqual(portPropertiesOf(job), { host: 'localhost', port: 22, multiplexed: false })
  })

  for (const portNumber of ['', '0', '65536', '22x', '-1', '{{ portNumber }}']) {
    it(`knows that ${JSON.stringify(portNumber)} is no port`, () => {
      const document = { sessionType: 'Port', properties: { portNumber } }
      const job = parseSessionJob(message({ SessionId: 's', DocumentContent: document }))
      assert.equal(portPropertiesOf(job), undefined)
    })
  }

  it('reads a command, its streams and the key of the preferences', () => {
    const commandDocument = (separate: unknown) => ({
      sessionType: 'NonInteractiveCommands',
      inputs: { kmsKeyId: 'arn:aws:kms:k' },
      properties: { linux: { commands: '{{ command }}', separateOutputStream: separate } },
    })
    for (const [separate, want] of [
      [true, true],
      ['True', true],
      ['false', false],
      [undefined, false],
    ]) {
      const job = parseSessionJob(
        message({
          SessionId: 's',
          DocumentContent: commandDocument(separate),
          Parameters: { command: ['uname -a'] },
        }),
      )
      assert.deepEqual(
        [commandOf(job), separatesOutput(job), job.kmsKeyId],
        ['uname -a', want, 'arn:aws:kms:k'],
      )
    }
  })

  for (const payload of [
    '',
    '{',
    'null',
    '[]',
    '{"Content":"{}"}',
    '{"Content":"{\\"DocumentContent\\":{}}"}',
  ]) {
    it(`refuses ${payload || 'nothing'} with a typed error`, () => {
      assert.throws(
        () => parseSessionJob(Buffer.from(payload)),
        (error) => isPgctlError(error, 'protocol-violation'),
      )
    })
  }
})

describe('words of a command without a shell', { timeout: 10_000 }, () => {
  const rows: [line: string, words: string[] | undefined][] = [
    ['a; b', ['a;', 'b']],
    ['  uname   -a ', ['uname', '-a']],
    [`sh -c 'exit 7'`, ['sh', '-c', 'exit 7']],
    [`echo "a 'b' \\"c\\" \\d" e\\ f`, ['echo', `a 'b' "c" \\d`, 'e f']],
    [`echo '' "" x''y`, ['echo', '', '', 'xy']],
    [`echo 'open`, undefined],
    ['echo \\', undefined],
    ['', []],
  ]
  for (const [line, words] of rows) it(JSON.stringify(line), () => assert.deepEqual(splitWords(line), words))

  it('gives back any words that were quoted', () => {
    const property = fc.property(fc.array(fc.string(), { minLength: 1 }), (words) => {
      const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
      assert.deepEqual(splitWords(line), words)
    })
    fc.assert(property, boxed(300, 2_000))
  })
})
