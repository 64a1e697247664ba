/**
 * The template as it is given out: `osls package` writes one installation's values into it, and here marks in their
 * place become parameters of CloudFormation, so that one release serves every installation and an update keeps what is
 * not named anew.
 */

/** JSON, as far as a template is. */
export type TemplateValue =
  | string
  | number
  | boolean
  | null
  | readonly TemplateValue[]
  | { readonly [name: string]: TemplateValue }

export type Template = { readonly [name: string]: TemplateValue }

export interface ParameterSpec {
  readonly default?: string | undefined
  readonly description?: string | undefined
  readonly pattern?: string | undefined
}

const MARK = /PGCTLPARAM0([A-Za-z]+)0/g

/** What stands for the parameter `name` of `serverless.yml` while it is packaged. */
export function markOf(name: string): string {
  return `PGCTLPARAM0${name}0`
}

/** A parameter's name in the template: `licenseSecret` is `LicenseSecret`. */
export function parameterName(name: string): string {
  return `${name[0]?.toUpperCase()}${name.slice(1)}`
}

/** The template with parameters in the place of marks. @throws Error for a mark of no parameter that `specs` knows. */
export function parameterise(template: Template, specs: Readonly<Record<string, ParameterSpec>>): Template {
  const used = new Set<string>()
  const nameOf = (name: string): string => {
    if (specs[name] === undefined)
      throw new Error(`the template has a mark of ${name}, which is no parameter`)
    used.add(name)
    return parameterName(name)
  }
  const inSub = (text: string) => text.replaceAll(MARK, (_, name: string) => `\${${nameOf(name)}}`)
  const visit = (value: TemplateValue): TemplateValue => {
    if (typeof value === 'string') return fill(value)
    if (Array.isArray(value)) return value.map(visit)
    if (typeof value !== 'object' || value === null) return value
    const { 'Fn::Sub': sub } = value as { readonly 'Fn::Sub'?: TemplateValue }
    if (typeof sub === 'string') return { 'Fn::Sub': inSub(sub) }
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, visit(inner)]))
  }
  const fill = (text: string): TemplateValue => {
    const whole = new RegExp(`^${MARK.source}$`).exec(text)
    if (whole !== null) return { Ref: nameOf(whole[1] as string) }
    // A literal `${` would be read as a variable; `${!` is how Sub writes it.
    return text.search(MARK) >= 0 ? { 'Fn::Sub': inSub(text.replaceAll('${', '${!')) } : text
  }
  const visited = visit(template) as { readonly [name: string]: TemplateValue }
  const parameters = Object.fromEntries(
    Object.entries(specs)
      .filter(([name]) => used.has(name))
      .map(([name, spec]) => [parameterName(name), parameterOf(spec)]),
  )
  return { ...visited, Parameters: parameters }
}

function parameterOf({ default: initial, description, pattern }: ParameterSpec): TemplateValue {
  return {
    Type: 'String',
    ...(description === undefined ? {} : { Description: description }),
    ...(initial === undefined ? {} : { Default: initial }),
    ...(pattern === undefined ? {} : { AllowedPattern: pattern }),
  }
}
