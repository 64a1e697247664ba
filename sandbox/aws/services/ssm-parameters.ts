import { WORLD } from '#sandbox/world.ts'
import { AwsError } from '../aws-error.ts'
import { type Input, type Operation, textIn } from '../service.ts'

/** Parameters of Systems Manager: texts by name. */
export function parameterOperations(): Readonly<Record<string, Operation>> {
  const parameters = new Map<string, { value: string; version: number }>()
  const nameOf = (input: Input) => textIn(input, 'Name', validation) ?? ''
  const resources = (input: Input) => [
    `arn:aws:ssm:${WORLD.region}:${WORLD.account}:parameter/${nameOf(input).replace(/^\//, '')}`,
  ]
  return {
    PutParameter: {
      resources,
      run(input) {
        const [name, value] = [nameOf(input), textIn(input, 'Value', validation) ?? '']
        if (!/^\/?[\w./-]{1,1011}$/.test(name)) throw validation(`Parameter name: ${name} does not fit`)
        if (value === '' || Buffer.byteLength(value) > 8_192)
          throw validation('the value of a parameter has 1 to 8192 bytes')
        const before = parameters.get(name)
        if (before !== undefined && input['Overwrite'] !== true)
          throw new AwsError('ParameterAlreadyExists', 'The parameter already exists.')
        const version = (before?.version ?? 0) + 1
        parameters.set(name, { value, version })
        return { Version: version, Tier: Buffer.byteLength(value) > 4_096 ? 'Advanced' : 'Standard' }
      },
    },
    GetParameter: {
      resources,
      run(input) {
        const name = nameOf(input)
        const found = parameters.get(name)
        if (found === undefined) throw new AwsError('ParameterNotFound', '')
        return { Parameter: { Name: name, Type: 'String', Value: found.value, Version: found.version } }
      },
    },
  }
}

function validation(why: string): AwsError {
  return new AwsError('ValidationException', why)
}
