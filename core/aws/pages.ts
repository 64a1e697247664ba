import { PgctlError } from '#core/errors.ts'

/** More than any installation fills, by far: pages of a hundred, of what one account has of one kind. */
const MOST_PAGES = 200

/**
 * Every item of a list that is told in pages. An empty page need not be the last one; one that leads back to a page
 * that has been read, or a list that goes on for ever, is an error and no hang.
 */
export async function readPages<Page, Item>(
  list: string,
  fetch: (token: string | undefined) => Promise<Page>,
  read: (page: Page) => { readonly items: readonly Item[] | undefined; readonly next: string | undefined },
  mostPages = MOST_PAGES,
): Promise<Item[]> {
  const all: Item[] = []
  const seen = new Set<string>()
  let token: string | undefined
  for (;;) {
    const { items, next } = read(await fetch(token))
    all.push(...(items ?? []))
    if (next === undefined || next === '') return all
    if (seen.has(next)) throw endless(list, 'a page leads back to one that has been read already')
    if (seen.size + 1 >= mostPages) throw endless(list, `there are more than ${mostPages} pages`)
    seen.add(next)
    token = next
  }
}

function endless(list: string, why: string): PgctlError {
  return new PgctlError('protocol-violation', `the list of ${list} does not end`, {
    why,
    next: 'check what answers at AWS_ENDPOINT_URL; if it is AWS itself, run the command again',
  })
}
