import { hash } from 'node:crypto'
import * as z from 'zod'
import type { TemplateParameter } from './parameters.ts'
import type { Template } from './template.ts'

/** What a release of pgctl deploys: a template, and archives of functions under the digest of what they hold. */

export const releaseSchema = z.strictObject({
  v: z.literal(1),
  version: z.string(),
  /** The template with only the bucket for code in it, by which a stack begins. */
  bootstrap: z.record(z.string(), z.json()),
  template: z.record(z.string(), z.json()),
  archives: z.array(z.strictObject({ file: z.string(), key: z.string() })),
})

export type StackRelease = z.infer<typeof releaseSchema>

/** Of the bucket for code, in both templates: osls calls it so. */
export const CODE_BUCKET = 'ServerlessDeploymentBucket'
/** The outputs by which a stack says what it is. */
export const VERSION_OUTPUT = 'PgctlVersion'
export const RELEASE_OUTPUT = 'PgctlRelease'
export const BUCKET_OUTPUT = 'ServerlessDeploymentBucketName'

/** Where things are in the bucket. */
export const HISTORY = 'pgctl/history/'
export const releaseKey = (id: string) => `pgctl/releases/${id}.json`
export const codeKey = (content: Uint8Array, file: string) =>
  `pgctl/code/${hash('sha256', content, 'hex').slice(0, 32)}/${file}`

/** The name of a release: its version and a digest of its template, which names its code by digests in turn. */
export function releaseId(version: string, template: Template): string {
  return `${version}-${hash('sha256', JSON.stringify(template), 'hex').slice(0, 12)}`
}

/** The template with outputs that say which release it is of. */
export function labelled(version: string, template: Template): Template {
  const id = releaseId(version, template)
  const outputs = (template['Outputs'] ?? {}) as Template
  return {
    ...template,
    Outputs: { ...outputs, [VERSION_OUTPUT]: { Value: version }, [RELEASE_OUTPUT]: { Value: id } },
  }
}

/** Which release a template is of, by its own word. */
export function releaseOf(template: Template): string {
  const outputs = Object(template['Outputs']) as Readonly<Record<string, { readonly Value?: unknown }>>
  const id = outputs[RELEASE_OUTPUT]?.Value
  if (typeof id !== 'string') throw new Error('a template of a release says which one it is of')
  return id
}

export function takenBy(template: Template): TemplateParameter[] {
  const parameters = (template['Parameters'] ?? {}) as Readonly<Record<string, Template>>
  return Object.entries(parameters).map(([name, { Default, Description }]) => ({
    name,
    initial: typeof Default === 'string' ? Default : undefined,
    description: typeof Description === 'string' ? Description : undefined,
  }))
}
