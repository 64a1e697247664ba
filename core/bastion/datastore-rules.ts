import { PgctlError } from '#core/errors.ts'
import type { Datastore } from '#core/installation/datastores.ts'
import type { Template, TemplateValue } from '#core/stack/template.ts'

/** Which security groups of datastores let the bastion in, and at which ports: rules of the bastion's own stack. */

/** The parameter of the stack that names them: `sg-0a1b:5432,sg-0c2d:6379`. */
export const RULES_PARAMETER = 'Datastores'
/** The parameter's value where whoever deploys makes such rules elsewhere. */
export const NO_RULES = 'none'
/** … and where there were none to be found: the next deployment looks again. */
export const NONE_FOUND = 'not-found'

export interface DatastoreRule {
  readonly group: string
  readonly port: number
}

/** One rule for each port of each group, in one order. */
export function datastoreRules(datastores: readonly Datastore[]): DatastoreRule[] {
  return inOrder(
    datastores.flatMap(({ securityGroups = [], endpoints, access }) =>
      securityGroups.flatMap((group) =>
        [...endpoints, ...(access?.readers ?? [])].map(({ port }) => ({ group, port })),
      ),
    ),
  )
}

/** Each once. */
export function inOrder(rules: readonly DatastoreRule[]): DatastoreRule[] {
  const named = new Map(rules.map((rule) => [`${rule.group}:${rule.port}`, rule]))
  return [...named.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rule]) => rule)
}

/** As the parameter has it. */
export function formatRules(rules: readonly DatastoreRule[]): string {
  return rules.length === 0 ? NONE_FOUND : rules.map(({ group, port }) => `${group}:${port}`).join(',')
}

/** Reads the parameter. @throws PgctlError `usage` for what the template's pattern would not let through. */
export function parseRules(text: string): DatastoreRule[] {
  if (text === NO_RULES || text === NONE_FOUND) return []
  if (!/^sg-[0-9a-f]+:\d{1,5}(,sg-[0-9a-f]+:\d{1,5})*$/.test(text))
    throw new PgctlError('usage', `${RULES_PARAMETER} cannot be ${JSON.stringify(text)}`, {
      why: 'it names security groups, each with a port: sg-0a1b2c3d:5432,sg-0c2d3e4f:6379',
      next: `leave --set ${RULES_PARAMETER} out, and they are found; ${NO_RULES} leaves them alone`,
    })
  return text.split(',').map((rule) => {
    const [group = '', port = ''] = rule.split(':')
    return { group, port: Number(port) }
  })
}

/**
 * The template with a resource for each rule; what a template takes is no list of resources, so they are written into
 * it. Each is called by what it is about: a rule that stays is not made anew because another has come.
 */
export function withDatastoreRules(template: Template, rules: readonly DatastoreRule[]): Template {
  const made = rules.map(({ group, port }): [string, TemplateValue] => [
    `Datastore${group.replaceAll('-', '')}Port${port}`,
    {
      Type: 'AWS::EC2::SecurityGroupIngress',
      Properties: {
        Description: 'The bastion, to a datastore',
        GroupId: group,
        IpProtocol: 'tcp',
        FromPort: port,
        ToPort: port,
        SourceSecurityGroupId: { 'Fn::GetAtt': ['BastionGroup', 'GroupId'] },
      },
    },
  ])
  const resources = template['Resources'] as Template
  return { ...template, Resources: { ...resources, ...Object.fromEntries(made) } }
}
