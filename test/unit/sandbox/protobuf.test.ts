import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeAccessReview } from '#sandbox/kubernetes/protobuf.ts'

/** A review of access as kubectl sends it: what it asks is read, and what is cut off is none. */

const field = (number: number, content: Uint8Array | string) => {
  const bytes = Buffer.from(content)
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes])
}
const attributes = [field(1, 'paragon'), field(2, 'get'), field(5, 'pods'), field(6, 'exec'), field(7, 'a')]
const review = field(2, field(1, Buffer.concat(attributes)))
const message = Buffer.concat([
  Buffer.from('k8s\0'),
  field(1, field(1, 'authorization.k8s.io/v1')),
  field(2, review),
])

describe('a review of access in protocol buffers', () => {
  it('is read as its JSON would be', () => {
    assert.deepEqual(decodeAccessReview(message), {
      spec: {
        resourceAttributes: {
          ...{ namespace: 'paragon', verb: 'get', resource: 'pods', subresource: 'exec', name: 'a' },
        },
      },
    })
  })

  it('is none when it is cut off anywhere, or is something else', () => {
    for (let length = 0; length < message.length; length++)
      assert.equal(decodeAccessReview(message.subarray(0, length)), undefined, `${length} bytes`)
    assert.equal(decodeAccessReview(Buffer.from('{"spec":{}}')), undefined)
    assert.equal(decodeAccessReview(Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(40, 0xff)])), undefined)
  })
})
