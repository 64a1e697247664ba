import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { assembleNote, encodeNoteKey, type NoteKey, openNote, parseNoteKey } from '#core/checkpoint/note.ts'

/** As the package that other logs sign with documents it: its key, its text, its signature. */
const THEIRS = {
  key: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  signature:
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
}

function makeKey(name: string): { readonly key: NoteKey; note(text: string): string } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const der = publicKey.export({ type: 'spki', format: 'der' })
  const key = { name, publicKey: new Uint8Array(der.subarray(-32)) }
  return { key, note: (text) => assembleNote(text, key, sign(null, Buffer.from(text), privateKey)) }
}

describe('a signed note', () => {
  const { key, note } = makeKey('pgctl-ledger/ins-1')
  const text = 'one\n\ntwo\n'
  const signed = note(text)

  it('of others is read as they wrote it', () => {
    const theirs = parseNoteKey(THEIRS.key)
    assert.ok(theirs !== undefined)
    assert.equal(encodeNoteKey(theirs), THEIRS.key)
    assert.deepEqual(openNote(`${THEIRS.text}\n${THEIRS.signature}`, theirs), {
      kind: 'signed',
      text: THEIRS.text,
    })
  })

  it('gives back its text, empty lines and all', () => {
    assert.deepEqual(openNote(signed, key), { kind: 'signed', text })
  })

  it('is refused whatever one byte of it is changed to (property)', () => {
    const bytes = Buffer.from(signed)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const other = Buffer.from(bytes)
        other[at] = (other[at] as number) ^ change
        assert.equal(openNote(other.toString('utf8'), key).kind, 'refused')
      }),
    )
  })

  it('is refused at every length but its own', () => {
    for (let length = 0; length < signed.length; length++)
      assert.equal(openNote(signed.slice(0, length), key).kind, 'refused', String(length))
  })

  it('may bear signatures of others, which say nothing', () => {
    const other = makeKey('witness')
    const theirs = other.note(text).split('\n\n').at(-1) as string
    assert.equal(openNote(signed + theirs, key).kind, 'signed')
    assert.equal(openNote(other.note(text), key).kind, 'refused')
  })

  it('is refused where a key of the same name is another one', () => {
    assert.equal(openNote(signed, makeKey(key.name).key).kind, 'refused')
  })

  it('is not made of a text that no note can hold', () => {
    for (const unfit of ['no newline', 'a\ttab\n', 'a\u0000\n'])
      assert.throws(() => assembleNote(unfit, key, new Uint8Array(64)))
  })

  it('has a key that is one word, and no other word is one', () => {
    const word = encodeNoteKey(key)
    assert.deepEqual(parseNoteKey(word), key)
    for (const wrong of [
      '',
      word.slice(1),
      word.replace(/\+[0-9a-f]{8}\+/, '+00000000+'),
      `${word}=`,
      `${word} `,
    ])
      assert.equal(parseNoteKey(wrong), undefined, wrong)
  })
})
