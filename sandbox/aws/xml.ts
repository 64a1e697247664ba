/** What can stand in an element: text, nested elements (and attributes, whose names begin with `@`), or a list, each of whose members is an `<item>` or as `Many` says. */
export type XmlValue =
  | string
  | number
  | boolean
  | undefined
  | readonly XmlValue[]
  | Many
  | { readonly [name: string]: XmlValue }

/** A list whose members are elements of a name of their own, one after the other. */
export class Many {
  readonly name: string
  readonly items: readonly XmlValue[]

  constructor(name: string, items: readonly XmlValue[]) {
    this.name = name
    this.items = items
  }
}

/** A list whose members are elements `name`. */
export function many(name: string, items: readonly XmlValue[]): Many {
  return new Many(name, items)
}

/** `value` inside an element `name`; nothing at all for undefined. A list of elements of that very name has none around it. */
export function element(name: string, value: XmlValue, attributes = ''): string {
  if (value === undefined) return ''
  if (value instanceof Many && value.name === name) return content(value)
  return `<${name}${attributes}${attributesIn(value)}>${content(value)}</${name}>`
}

/** A document with `root` as its outermost element. */
export function document(root: string, value: XmlValue, namespace?: string): string {
  const attributes = namespace === undefined ? '' : ` xmlns="${namespace}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, value, attributes)}`
}

function content(value: Exclude<XmlValue, undefined>): string {
  if (value instanceof Many) return value.items.map((item) => element(value.name, item)).join('')
  if (Array.isArray(value)) return value.map((item: XmlValue) => element('item', item)).join('')
  if (typeof value === 'object')
    return Object.entries(value)
      .filter(([name]) => !name.startsWith('@'))
      .map(([name, inner]) => element(name, inner))
      .join('')
  return escapeText(String(value))
}

function attributesIn(value: XmlValue): string {
  if (typeof value !== 'object' || Array.isArray(value) || value instanceof Many) return ''
  return Object.entries(value)
    .filter(([name]) => name.startsWith('@'))
    .map(([name, inner]) => ` ${name.slice(1)}="${escapeText(String(inner))}"`)
    .join('')
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}
