import type { World } from '#sandbox/worlds/installation.ts'
import type { Tags } from '#sandbox/worlds/network.ts'
import { AwsError } from '../aws-error.ts'
import { page } from '../pages.ts'
import { listIn } from '../query-input.ts'
import type { Input, Operation } from '../service.ts'
import type { XmlValue } from '../xml.ts'
import { passes, readFilters } from './ec2-filters.ts'

/** One `Describe…` of EC2: what it lists, how rows are named and filtered, and what it refuses. */
export interface Listing<Row> {
  /** The element around the rows: `vpcSet`. */
  readonly set: string
  /** The parameter that names rows by id, `VpcId`, and the ids' prefix. */
  readonly parameter: string
  readonly prefix: string
  /** The code for an id that does not exist: `InvalidVpcID.NotFound`. */
  readonly notFound: string
  readonly malformed: string
  /** How many rows a page may hold; undefined where the operation does not page. */
  readonly page?: { readonly least: number; readonly most: number }
  rows(world: World): readonly Row[]
  id(row: Row): string
  tags(row: Row): Tags
  readonly filters: Readonly<Record<string, (row: Row, world: World) => string | readonly string[]>>
  describe(row: Row, world: World): XmlValue
}

/** The operation that answers a listing. */
export function describeOperation<Row>(listing: Listing<Row>): Operation {
  return {
    resources: () => [],
    run(input, { world, paging }) {
      const rows = world === undefined ? [] : listing.rows(world)
      const ids = listIn(input, listing.parameter)
      const size = sizeOf(input, listing, ids)
      for (const id of ids) requireKnown(id, listing, rows)
      const filters = readFilters(input)
      for (const { name } of filters) requireFilter(name, listing)
      const token = input['NextToken'] === undefined ? undefined : String(input['NextToken'])
      const refuse = (): never => {
        throw new AwsError('InvalidPaginationToken', `The token '${token}' is invalid`)
      }
      const { items, next } = page(rows, size, token, refuse, paging)
      // As at EC2 the filters work on a page, so that a page may be empty and not be the last.
      const found = items.filter(
        (row) =>
          (ids.length === 0 || ids.includes(listing.id(row))) &&
          passes(filters, (name) => valuesOf(row, name, listing, world as World)),
      )
      return {
        [listing.set]: found.map((row) => listing.describe(row, world as World)),
        ...(next === undefined ? {} : { nextToken: next }),
      }
    },
  }
}

/** Tags as EC2 writes them. */
export function tagSet(tags: Tags): XmlValue {
  return Object.entries(tags).map(([key, value]) => ({ key, value }))
}

function valuesOf<Row>(
  row: Row,
  filter: string,
  { tags, filters }: Listing<Row>,
  world: World,
): readonly string[] {
  if (filter === 'tag-key') return Object.keys(tags(row))
  const found = filter.startsWith('tag:')
    ? tags(row)[filter.slice('tag:'.length)]
    : filters[filter]?.(row, world)
  return found === undefined ? [] : [found].flat()
}

function requireFilter<Row>(name: string, { filters }: Listing<Row>): void {
  if (!name.startsWith('tag:') && name !== 'tag-key' && !Object.hasOwn(filters, name))
    throw new AwsError('InvalidParameterValue', `The filter '${name}' is invalid`)
}

function sizeOf<Row>(
  input: Input,
  { page: limits, parameter }: Listing<Row>,
  ids: readonly string[],
): number | undefined {
  const given = input['MaxResults']
  if (given === undefined) return undefined
  if (limits === undefined)
    throw new AwsError('UnknownParameter', 'The parameter MaxResults is not recognized')
  if (ids.length > 0)
    throw new AwsError(
      'InvalidParameterCombination',
      parameter === 'InstanceId'
        ? 'The parameter instancesSet cannot be used with the parameter maxResults'
        : `The parameter ${parameter} cannot be used with the parameter MaxResults`,
    )
  const size = Number(given)
  if (!Number.isInteger(size) || size < limits.least || size > limits.most)
    throw new AwsError(
      'InvalidParameterValue',
      `Value ( ${String(given)} ) for parameter maxResults is invalid. Expecting a value between ${limits.least} and ${limits.most}.`,
    )
  return size
}

function requireKnown<Row>(id: string, listing: Listing<Row>, rows: readonly Row[]): void {
  if (!new RegExp(`^${listing.prefix}-[0-9a-f]{8}([0-9a-f]{9})?$`).test(id))
    throw new AwsError(listing.malformed, `Invalid id: "${id}"`)
  if (!rows.some((row) => listing.id(row) === id))
    throw new AwsError(listing.notFound, `The ${nounOf(listing.parameter)} ID '${id}' does not exist`)
}

/** `NatGatewayId` is about a `natGateway`. */
function nounOf(parameter: string): string {
  const noun = parameter.replace(/Id$/, '')
  return `${noun[0]?.toLowerCase()}${noun.slice(1)}`
}
