import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { errorDocument } from '#cli/render/error.ts'
import { PgctlError } from '#core/errors.ts'
import type { FindingCode } from '#core/installation/findings.ts'
import type { Cause, RemarkSubject, TunnelEvent } from '#core/tunnel/events.ts'
import { parseTranscript } from '../../support/transcript.ts'

/**
 * `docs/json-output.md` against what is printed: events by samples with every field that their types have, documents
 * by what the transcripts show. What is inside a `status`, and `logs`, are held to the page by tests of
 * their own.
 */

const page = readFileSync(new URL('../../../docs/json-output.md', import.meta.url), 'utf8')

/** The text below a heading. */
function section(heading: string): string {
  const [, rest] = page.split(`\n## ${heading}\n`)
  assert.ok(rest !== undefined, `there is no section ${heading}`)
  return rest.split('\n## ')[0] as string
}

/** The rows of the tables of a section, as cells. */
function rows(heading: string): string[][] {
  return section(heading)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
}

/** The names in backticks, with the mark of those that may be absent, and without what stands in brackets. */
function names(cell: string): string[] {
  return [...cell.replaceAll(/\([^)]*\)/g, '').matchAll(/`([\w-]+\??)`/g)].map(([, name]) => name as string)
}

const withoutMark = (name: string) => name.replace('?', '')

const CAUSE: Required<Cause> = { code: 'failed', message: '', why: '', next: '', requestId: '' }
const REMARK = { target: '', about: 'route', message: '', next: '', at: '' } as const

/** Every event with every field that it may have: a new field does not compile until it is here, and documented. */
const EVENTS: { readonly [Name in TunnelEvent['event']]: Required<Extract<TunnelEvent, { event: Name }>> } = {
  starting: { event: 'starting', target: '', route: 'direct', why: '' },
  session: { event: 'session', target: '', sessionId: '', instance: '', endsAt: '', idleLimitMs: 0 },
  ready: {
    event: 'ready',
    target: '',
    address: '',
    port: 0,
    url: '',
    route: 'direct',
    probe: 'answered',
    detail: '',
    addresses: [],
    lazy: true,
  },
  'connection-opened': { event: 'connection-opened', target: '', connection: 0, open: 0 },
  'connection-closed': {
    event: 'connection-closed',
    target: '',
    connection: 0,
    open: 0,
    sent: 0,
    received: 0,
    cause: CAUSE,
  },
  reconnecting: { event: 'reconnecting', target: '', cause: CAUSE },
  resumed: { event: 'resumed', target: '', downForMs: 0 },
  degraded: { event: 'degraded', target: '', message: '' },
  asleep: { event: 'asleep', target: '', afterMs: 0, cause: CAUSE },
  notice: { event: 'notice', ...REMARK },
  warning: { event: 'warning', ...REMARK },
  ended: { event: 'ended', target: '', cause: CAUSE },
}

const SUBJECTS: Readonly<Record<RemarkSubject, true>> = {
  'no-ipv6': true,
  'bind-not-loopback': true,
  'port-moved': true,
  'too-many-connections': true,
  listener: true,
  'session-ends-soon': true,
  'session-over': true,
  'idle-ends-soon': true,
  route: true,
  browser: true,
  'port-not-read': true,
  'port-not-saved': true,
}

const FINDINGS: Readonly<Record<FindingCode, true>> = {
  'bastion-missing': true,
  'bastion-stopped': true,
  'agent-offline': true,
  'agent-vulnerable': true,
  'bastion-open': true,
  'bastion-inbound': true,
  'bastion-public': true,
  'bastion-not-replaced': true,
  'several-bastions': true,
  'cluster-missing': true,
  'cluster-inactive': true,
  'cluster-public': true,
  'nat-missing': true,
  'nat-single-zone': true,
  'route-broken': true,
  'datastore-public': true,
  'datastore-unavailable': true,
  'datastore-single-zone': true,
  'datastore-unencrypted': true,
  'datastore-without-backups': true,
  'windows-overlap': true,
  'bucket-public': true,
  'bucket-unversioned': true,
  'trail-missing': true,
  'trail-off': true,
  'not-readable': true,
}

/** The JSON that `pgctl COMMAND … --json` shows in the transcripts; what is masked there reads as 0. */
function documentsOf(command: string): Record<string, unknown>[] {
  const folder = fileURLToPath(new URL('../../transcripts/', import.meta.url))
  return readdirSync(folder).flatMap((name) =>
    parseTranscript(readFileSync(join(folder, name), 'utf8')).flatMap((step) => {
      if (step.kind !== 'command' || !step.line.startsWith(`pgctl ${command}`)) return []
      if (!step.line.includes('--json')) return []
      const shown = step.expected.filter((line) => line.startsWith('1|')).map((line) => line.slice(3))
      const readable = (text: string) => text.replaceAll(/:( ?)(PORT|PID|MS|BYTES)\b/g, ':$10')
      const texts = shown[0] === '{' ? [shown.join('\n')] : shown
      return texts.map((text) => JSON.parse(readable(text)) as Record<string, unknown>)
    }),
  )
}

describe('the page on JSON', { timeout: 20_000 }, () => {
  it('lists every event of a tunnel with every field of it, and no other', () => {
    const documented = new Map(
      rows('`tunnel`').flatMap(([events = '', , fields = '']) =>
        names(events).map((name) => [name, names(fields).map(withoutMark)] as const),
      ),
    )
    assert.deepEqual([...documented.keys()].sort(), Object.keys(EVENTS).sort())
    for (const [name, sample] of Object.entries(EVENTS)) {
      const fields = Object.keys(sample).filter((field) => field !== 'event' && field !== 'target')
      assert.deepEqual(documented.get(name)?.toSorted(), fields.sort(), name)
    }
  })

  it('lists what a cause holds, and what a remark may be about', () => {
    const text = section('`tunnel`')
    const cause = /A `cause` is `{([^}]*)}`/.exec(text)?.[1]?.split(', ').map(withoutMark)
    assert.deepEqual(cause?.sort(), Object.keys(CAUSE).sort())
    const subjects = names(/`about` is ([\s\S]*?)\.\n/.exec(text)?.[1] ?? '')
    assert.deepEqual(subjects.sort(), Object.keys(SUBJECTS).sort())
  })

  it('lists the fields of status, and every finding that there is', () => {
    const documents = documentsOf('status').filter((each) => !('error' in each))
    assert.ok(documents.length > 0, 'no transcript shows it')
    const all = rows('`status`')
    const start = all.findIndex(([name = '']) => name.startsWith('`bastion-missing`'))
    const fields = all.slice(0, start).flatMap(([name = '']) => names(name))
    for (const document of documents) assert.deepEqual(Object.keys(document).sort(), fields.toSorted())
    const findings = all.slice(start).flatMap(([name = '']) => names(name))
    assert.deepEqual(findings.sort(), Object.keys(FINDINGS).sort())
  })

  it('lists what a failure holds', () => {
    const detail = { why: 'w', next: 'n', requestId: 'r' }
    const fields = Object.keys(errorDocument(new PgctlError('failed', 'm', detail)))
    const documented = rows('A failure').map(([name = '']) => names(name)[0] as string)
    assert.deepEqual(documented.map(withoutMark).sort(), fields.sort())
  })

  it('lists the fields of config, and of what it describes', () => {
    const documents = documentsOf('config')
    assert.ok(documents.length > 0)
    const documented = rows('`config`').map(([name = '']) => names(name)[0] as string)
    const inner = [...section('`config`').matchAll(/`{([^}]*)}`/g)].flatMap(([, list = '']) =>
      list.split(', '),
    )
    for (const document of documents.filter((each) => !('error' in each))) {
      assert.deepEqual(Object.keys(document).sort(), documented.toSorted())
      for (const part of [document['settings'], document['installations'], document['files']])
        for (const entry of Object.values(part as object))
          for (const field of Object.keys(entry)) assert.ok(inner.map(withoutMark).includes(field), field)
    }
  })

  for (const command of ['installations', 'use'])
    it(`lists the fields of ${command}, and no other`, () => {
      const documents = documentsOf(command).filter((each) => !('error' in each))
      assert.ok(documents.length > 0, 'no transcript shows it')
      const documented = rows(`\`${command}\``).map(([name = '']) => names(name)[0] as string)
      const inner = /`{([^}]*)}`/.exec(section(`\`${command}\``))?.[1]?.split(', ')
      for (const document of documents) {
        assert.deepEqual(Object.keys(document).sort(), documented.toSorted())
        for (const entry of (document['installations'] ?? []) as object[])
          assert.deepEqual(Object.keys(entry), inner)
      }
    })

  for (const command of [
    'analytics status',
    'analytics preview',
    'analytics on',
    'analytics off',
    'billing',
    'egress checkpoint',
    'egress diff',
    'egress list',
    'egress show',
    'egress verify',
    'targets',
    'tunnel list',
    'tunnel stop',
  ])
    it(`lists the fields of ${command}, and no other`, () => {
      const documents = documentsOf(command).filter((each) => !('error' in each))
      assert.ok(documents.length > 0, 'no transcript shows it')
      const documented = rows(`\`${command}\``).flatMap(([name = '']) => names(name))
      for (const document of documents) {
        assert.deepEqual(Object.keys(document).sort(), documented.toSorted())
        for (const value of Object.values(document)) {
          if (!Array.isArray(value)) continue
          for (const entry of value.filter((each) => typeof each === 'object'))
            for (const field of Object.keys(entry))
              assert.match(section(`\`${command}\``), new RegExp(`\\b${field}\\b`), field)
        }
      }
    })

  const LICENSE_EXTRA = {
    'license status': ['answeredAt', 'lastAsked'],
    'license verify': ['asked'],
    'license install': ['changed'],
  }
  for (const [command, extra] of Object.entries(LICENSE_EXTRA))
    it(`lists the fields of ${command}, and no other`, () => {
      const documents = documentsOf(command).filter((each) => !('error' in each))
      assert.ok(documents.length > 0, 'no transcript shows it')
      const all = rows('`license status`').map(([name = '']) => names(name)[0] as string)
      const shared = all.filter((name) => name !== 'answeredAt' && name !== 'lastAsked')
      const inner = /\| `license` \| `{([^}]*)}`/.exec(section('`license status`'))?.[1]?.split(', ')
      for (const document of documents) {
        assert.deepEqual(Object.keys(document).sort(), [...shared, ...extra].sort())
        if (document['license'] !== null) assert.deepEqual(Object.keys(document['license'] as object), inner)
        assert.match(section('`license status`'), new RegExp(`\`${document['verdict']}\``))
      }
      for (const name of extra) assert.ok(section(`\`${command}\``).includes(`\`${name}\``), name)
    })

  for (const command of ['sandbox status', 'sandbox env', 'sandbox down'])
    it(`lists the fields of ${command}`, () => {
      const text = section(`\`${command}\``)
      const documents = documentsOf(command).filter((each) => !('error' in each))
      assert.ok(documents.length > 0, 'no transcript shows it')
      for (const document of documents)
        for (const [name, value] of Object.entries(document)) {
          assert.ok(text.includes(`"${name}"`), name)
          if (!Array.isArray(value)) continue
          for (const entry of value.filter((each) => typeof each === 'object'))
            for (const field of Object.keys(entry)) assert.match(text, new RegExp(`\\b${field}\\b`), field)
        }
    })

  it('says of every event that a transcript shows which fields it has', () => {
    const events = ['tunnel', 'logs'].flatMap(documentsOf).filter((each) => 'event' in each)
    assert.ok(events.length > 0)
    for (const event of events) {
      const heading =
        event['event'] === 'error' ? 'A failure' : event['target'] || event['tunnels'] ? '`tunnel`' : '`logs`'
      for (const field of Object.keys(event))
        assert.match(section(heading), new RegExp(`\\b${field}\\b`), `${event['event']}: ${field}`)
    }
  })
})
