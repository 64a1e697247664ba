import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { OperatorDesk, type OperatorRights } from '#core/kube/operator-desk.ts'
import { AnswerReader, encodeAnswer, encodeFarWord, FarWordReader } from '#core/kube/operator-line.ts'
import {
  createHelloKey,
  isWordMac,
  openAnswer,
  sealAnswer,
  sealForHello,
  wordMac,
} from '#core/kube/operator-seal.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const KEY = 'k'.repeat(43)
const HELLO = encodeFarWord({ kind: 'hello', key: KEY })

const [ESC, BEL] = ['\u001b', '\u0007']
const WORD = new RegExp(
  `${ESC}]7461;pgctl;(?:hello;[\\w-]{43}|ask;(?:token|datastores);[\\w-]{16,64};[\\w-]{43}|done;\\d{1,5};[\\w-]{43})${BEL}`,
)

describe('FarWordReader', () => {
  it('takes the words out of the output, in whatever pieces it comes (property)', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom(
        '\u001b[0m',
        '\u001b]0;title\u0007',
        '\u001b',
        '\u001b]7461;',
        '\u001b]7461;pgctl;no\u0007',
      ),
      fc.constant(HELLO),
      fc.constant(encodeFarWord({ kind: 'ask', what: 'token', nonce: 'n'.repeat(22), mac: 'm'.repeat(43) })),
      fc.constant(encodeFarWord({ kind: 'done', count: 7, mac: 'm'.repeat(43) })),
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (pieces, cuts) => {
          const bytes = utf8(pieces.join(''))
          const reader = new FarWordReader()
          let shown = ''
          let words = 0
          const decoder = new TextDecoder()
          for (let at = 0; at < bytes.length; ) {
            const length = cuts.next().value as number
            const heard = reader.take(bytes.subarray(at, at + length))
            shown += decoder.decode(heard.shown, { stream: true })
            words += heard.words.length
            at += length
          }
          const whole = pieces.join('')
          const real = whole.split(WORD)
          assert.equal(words, real.length - 1)
          // What is held back at the very end may still become a word.
          const rest = real.join('')
          assert.ok(
            (rest.startsWith(shown) && '\u001b]7461;pgctl;'.startsWith(rest.slice(shown.length))) ||
              rest === shown,
            JSON.stringify([rest, shown]),
          )
        },
      ),
    )
  })

  it('shows a word that is too long, or is none, as it came', () => {
    for (const odd of [
      '\u001b]7461;pgctl;hello;short\u0007',
      `\u001b]7461;pgctl;${'x'.repeat(400)}\u0007`,
      '\u001b]7461;pgctl;a b\u0007',
    ]) {
      const { shown, words } = new FarWordReader().take(utf8(`a${odd}b`))
      assert.deepEqual([text(shown), words], [`a${odd}b`, []])
    }
  })
})

describe('AnswerReader', () => {
  it('finds the answer behind what was typed ahead, and takes nothing after it', () => {
    const typed = utf8(`ls -l\r${encodeAnswer('c2VhbGVk')}pwd\r`)
    const reader = new AnswerReader()
    const at = typed.findIndex((byte) => reader.take(byte) !== undefined)
    assert.equal(text(typed.subarray(at + 1)), 'pwd\r')
    const again = new AnswerReader()
    const [answer] = [...typed].flatMap((byte) => again.take(byte) ?? [])
    assert.deepEqual(answer, { sealed: 'c2VhbGVk', before: 6 })
    assert.equal(new AnswerReader().take(0x07), undefined)
  })
})

describe('what is sealed', () => {
  it('for a hello, opens with its key alone', () => {
    const [mine, other] = [createHelloKey(), createHelloKey()]
    const sealed = sealForHello(mine.public, { secret: 'x' })
    assert.deepEqual(mine.open(sealed), { secret: 'x' })
    assert.throws(() => other.open(sealed))
    const bytes = Buffer.from(sealed, 'base64url')
    for (const at of [33, 50, bytes.length - 1]) {
      const bent = Buffer.from(bytes)
      bent[at] = (bent[at] as number) ^ 1
      assert.throws(() => mine.open(bent.toString('base64url')))
    }
    assert.throws(() => mine.open('AAAA'))
  })

  it('as an answer, opens under its secret and for its request alone', () => {
    const [secret, other] = [randomBytes(32), randomBytes(32)]
    const sealed = sealAnswer(secret, 'one', { token: 't' })
    assert.deepEqual(openAnswer(secret, 'one', sealed), { token: 't' })
    assert.throws(() => openAnswer(secret, 'two', sealed))
    assert.throws(() => openAnswer(other, 'one', sealed))
    assert.ok(isWordMac(secret, 'ask', 'one', wordMac(secret, 'ask', 'one')))
    assert.ok(!isWordMac(other, 'ask', 'one', wordMac(secret, 'ask', 'one')))
    assert.ok(!isWordMac(secret, 'done', 'one', wordMac(secret, 'ask', 'one')))
  })
})

describe('OperatorDesk', () => {
  let now = 0
  const cluster = { name: 'c', host: 'h', port: 443, ca: 'PEM' }
  const rights: OperatorRights = {
    endpoint: async () => cluster,
    token: async () => ({ value: 'k8s-aws-v1.token', expires: 900_000 }),
    datastores: async () => [{ name: 'postgres' }],
  }
  const desk = (of: OperatorRights | null = rights) =>
    new OperatorDesk({
      ...{
        installation: 'acme',
        namespace: 'paragon',
        rights: of ?? undefined,
        signal: new AbortController().signal,
      },
      random: (length) => randomBytes(length),
      clock: { ...systemClock, now: () => ({ mono: now, wall: now }) },
    })
  const sealedIn = (answer: string) => {
    const reader = new AnswerReader()
    const [taken] = [...utf8(answer)].flatMap((byte) => reader.take(byte) ?? [])
    return taken?.sealed ?? assert.fail('there is no answer')
  }
  const greet = async (at: OperatorDesk) => {
    const key = createHelloKey()
    const { answer, shown } = at.output(
      utf8(`motd\r\n${encodeFarWord({ kind: 'hello', key: key.public })}$ `),
    )
    assert.equal(text(shown), 'motd\r\n$ ')
    return key.open(sealedIn((await answer) ?? assert.fail('no answer'))) as Record<string, unknown>
  }
  const request = (secret: Uint8Array, nonce: string) =>
    utf8(encodeFarWord({ kind: 'ask', what: 'token', nonce, mac: wordMac(secret, 'ask', `token:${nonce}`) }))

  it('welcomes the shell that says hello, and gives it tokens of the operator', async () => {
    const at = desk()
    const welcome = await greet(at)
    assert.deepEqual(
      [welcome['installation'], welcome['namespace'], welcome['cluster']],
      ['acme', 'paragon', cluster],
    )
    at.typed(utf8('kubectl get pods\r'))
    const secret = Buffer.from(welcome['secret'] as string, 'base64url')
    const nonce = 'n'.repeat(22)
    const { answer } = at.output(request(secret, nonce))
    assert.deepEqual(openAnswer(secret, nonce, sealedIn((await answer) ?? '')), {
      ...{ token: 'k8s-aws-v1.token', expires: 900_000 },
    })
    assert.equal(at.output(request(secret, nonce)).answer, undefined, 'a request that is played again')
    const other = 'o'.repeat(22)
    const mac = wordMac(secret, 'ask', `datastores:${other}`)
    const list = at.output(utf8(encodeFarWord({ kind: 'ask', what: 'datastores', nonce: other, mac })))
    const told = openAnswer(secret, other, sealedIn((await list.answer) ?? ''))
    assert.deepEqual(told, { datastores: [{ name: 'postgres' }] })
    const bent = encodeFarWord({ kind: 'ask', what: 'token', nonce: 'p'.repeat(22), mac })
    assert.equal(at.output(utf8(bent)).answer, undefined, 'a digest of another request')
  })

  it('answers the first hello of a session alone, and only at its beginning', async () => {
    const late = desk()
    late.typed(utf8('cat evil\r'))
    now += 16_000
    assert.equal(late.output(utf8(HELLO)).answer, undefined)
    const twice = desk()
    await greet(twice)
    assert.equal(twice.output(utf8(HELLO)).answer, undefined)
    const ahead = desk()
    ahead.typed(utf8('kubectl get pods\r'))
    await greet(ahead)
    const slow = desk()
    slow.typed(utf8('ls'))
    now += 60_000
    await greet(slow)
  })

  it('hears that the far side is done from the one that it has welcomed', async () => {
    const at = desk()
    const secret = Buffer.from((await greet(at))['secret'] as string, 'base64url')
    const done = (count: number, mac: string) =>
      at.output(utf8(encodeFarWord({ kind: 'done', count, mac }))).done
    assert.equal(done(5, wordMac(secret, 'done', 5)), 5)
    assert.equal(done(6, wordMac(secret, 'done', 5)), undefined)
  })

  it('answers no request of somebody who was not welcomed', async () => {
    const nobody = desk()
    assert.equal(nobody.output(request(randomBytes(32), 'n'.repeat(22))).answer, undefined)
    await greet(nobody)
    assert.equal(nobody.output(request(randomBytes(32), 'n'.repeat(22))).answer, undefined)
  })

  it('says why there is no token, and why there is no cluster', async () => {
    const refuse = async () => {
      throw new PgctlError('cluster-missing', 'there is no cluster')
    }
    assert.equal((await greet(desk({ ...rights, endpoint: refuse })))['error'], 'there is no cluster')
    assert.match(String((await greet(desk(null)))['error']), /--no-token/)
    const at = desk({ ...rights, token: refuse })
    const secret = Buffer.from((await greet(at))['secret'] as string, 'base64url')
    const nonce = 'n'.repeat(22)
    const { answer } = at.output(request(secret, nonce))
    assert.deepEqual(openAnswer(secret, nonce, sealedIn((await answer) ?? '')), {
      error: 'there is no cluster',
    })
  })
})
