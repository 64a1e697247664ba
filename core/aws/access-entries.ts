import type { AccessScope, EKSClient } from '@aws-sdk/client-eks'
import { type AwsConnection, withEndpoint } from '#core/aws/clients.ts'
import { abortedBy, clientPerConnection, orNone } from '#core/aws/sdk-client.ts'
import type { ElevationApi } from '#core/bastion/control.ts'
import type { ElevatedRole } from '#core/bastion/elevations.ts'
import { messageOf, PgctlError } from '#core/errors.ts'

const clientOf = clientPerConnection<EKSClient>(async (settings) => {
  const { EKSClient } = await import('@aws-sdk/client-eks')
  return new EKSClient(withEndpoint(settings, 'eks'))
})

const POLICIES: Readonly<Record<ElevatedRole, string>> = {
  edit: 'AmazonEKSEditPolicy',
  admin: 'AmazonEKSAdminPolicy',
  'cluster-admin': 'AmazonEKSClusterAdminPolicy',
}

/** The service's own policy for what somebody asks, in the partition of their principal. */
export function accessPolicyOf(role: ElevatedRole, principal: string): string {
  const [, partition = 'aws'] = principal.split(':')
  return `arn:${partition}:eks::aws:cluster-access-policy/${POLICIES[role]}`
}

/** Access entries of a cluster; what is given is of one namespace, but for who administers the cluster. */
export function createElevationApi(
  connection: AwsConnection,
  cluster: string,
  namespace: string,
): ElevationApi {
  const call = <T>(
    operation: string,
    purpose: string,
    signal: AbortSignal | undefined,
    run: () => Promise<T>,
  ) => connection.call({ action: `eks:${operation}`, purpose, resource: cluster }, signal, run)
  return {
    grant: (principalArn, policyArn, signal) =>
      call('AssociateAccessPolicy', `give ${principalArn} rights in ${cluster}`, signal, async () => {
        const { AssociateAccessPolicyCommand } = await import('@aws-sdk/client-eks')
        const isWhole = policyArn.endsWith(POLICIES['cluster-admin'])
        const accessScope: AccessScope = isWhole
          ? { type: 'cluster' }
          : { type: 'namespace', namespaces: [namespace] }
        const input = { clusterName: cluster, principalArn, policyArn, accessScope }
        try {
          await (await clientOf(connection)).send(new AssociateAccessPolicyCommand(input), abortedBy(signal))
        } catch (error) {
          throw isOfPrincipal(error) ? withoutEntry(principalArn, cluster, error) : error
        }
      }),
    revoke: (principalArn, policyArn, signal) =>
      call('DisassociateAccessPolicy', `take rights in ${cluster} from ${principalArn}`, signal, async () => {
        const { DisassociateAccessPolicyCommand } = await import('@aws-sdk/client-eks')
        const input = { clusterName: cluster, principalArn, policyArn }
        await orNone(
          (await clientOf(connection)).send(new DisassociateAccessPolicyCommand(input), abortedBy(signal)),
          'ResourceNotFoundException',
        )
      }),
  }
}

/** The service has one name for a cluster, an entry and a policy that are not there. */
function isOfPrincipal(error: unknown): boolean {
  return (
    error instanceof Error && error.name === 'ResourceNotFoundException' && /principalArn/.test(error.message)
  )
}

function withoutEntry(principal: string, cluster: string, cause: unknown): PgctlError {
  return new PgctlError('target-unknown', `${principal} has no access entry in the cluster ${cluster}`, {
    why: messageOf(cause),
    next: 'name the role with its path (--principal), or give it an entry: pgctl bastion deploy --set OperatorRole=ARN',
    cause,
  })
}
