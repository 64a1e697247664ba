/**
 * As much of protocol buffers as kubectl puts into a review of access: fields of bytes, one after the other.
 *
 * ```
 *   "k8s\0"  Unknown { 2: raw }
 *   raw      SelfSubjectAccessReview { 2: spec { 1: resourceAttributes { 1: namespace  2: verb  3: group  4: version
 *                                                                        5: resource  6: subresource  7: name } } }
 * ```
 */
export const PROTOBUF = 'application/vnd.kubernetes.protobuf'

const MAGIC = Buffer.from('k8s\0')
const ATTRIBUTES = ['', 'namespace', 'verb', 'group', 'version', 'resource', 'subresource', 'name']
const LENGTH_DELIMITED = 2

/** The review as its JSON has it; undefined for bytes that are none. */
export function decodeAccessReview(bytes: Uint8Array): Record<string, unknown> | undefined {
  if (MAGIC.compare(bytes.subarray(0, MAGIC.length)) !== 0) return undefined
  const raw = fieldsOf(bytes.subarray(MAGIC.length))?.get(2)
  const spec = raw && fieldsOf(raw)?.get(2)
  const attributes = spec && fieldsOf(spec)?.get(1)
  const fields = attributes && fieldsOf(attributes)
  if (fields === undefined) return undefined
  const entries = [...fields].map(([number, value]) => [
    ATTRIBUTES[number] ?? '',
    Buffer.from(value).toString(),
  ])
  return { spec: { resourceAttributes: Object.fromEntries(entries) } }
}

/** By number; undefined where a field is not of bytes, or is cut off. */
function fieldsOf(message: Uint8Array): ReadonlyMap<number, Uint8Array> | undefined {
  const fields = new Map<number, Uint8Array>()
  let at = 0
  const number = () => {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = message[at++] ?? 0
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return value
  }
  while (at < message.length) {
    const tag = number()
    const length = number()
    if ((tag & 7) !== LENGTH_DELIMITED || at + length > message.length) return undefined
    fields.set(tag >> 3, message.subarray(at, at + length))
    at += length
  }
  return fields
}
