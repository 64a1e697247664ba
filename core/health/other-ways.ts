/** Where else one gets in while sessions do not work, from what the account says that it has. */

export interface OtherWaysFacts {
  readonly region: string
  /** The machine that one would get onto; undefined where none runs. */
  readonly bastion: string | undefined
  /** Undefined where it may not be asked. */
  readonly serialConsole: boolean | undefined
  /** The endpoints that stand in the installation's network; undefined where they may not be asked for. */
  readonly connectEndpoints: readonly ConnectEndpoint[] | undefined
  readonly cluster: { readonly name: string; readonly publicAccess: readonly string[] } | undefined
}

export interface ConnectEndpoint {
  readonly id: string
  /** `create-complete` is ready. */
  readonly state: string
  readonly vpcId: string | undefined
}

export interface OtherWay {
  readonly way: 'instance-connect-endpoint' | 'serial-console' | 'cluster-api'
  /** What is there, and what it takes. */
  readonly says: string
  /** The commands to run, in order. */
  readonly commands: readonly string[]
}

export interface OtherWays {
  /** Those that are there, what needs the least first. */
  readonly ways: readonly OtherWay[]
  /** What could not be asked, by the permission that it takes. */
  readonly unread: readonly string[]
}

/** What else leads in, and what of it is not known. */
export function otherWays(facts: OtherWaysFacts): OtherWays {
  return {
    ways: [...clusterWay(facts), ...connectWay(facts), ...serialWay(facts)],
    unread: [
      ...(facts.connectEndpoints === undefined ? ['ec2:DescribeInstanceConnectEndpoints'] : []),
      ...(facts.serialConsole === undefined ? ['ec2:GetSerialConsoleAccessStatus'] : []),
      ...(facts.cluster === undefined ? ['eks:DescribeCluster'] : []),
    ],
  }
}

function clusterWay({ cluster, region }: OtherWaysFacts): OtherWay[] {
  if (cluster === undefined || cluster.publicAccess.length === 0) return []
  return [
    {
      way: 'cluster-api',
      says: `the API of the cluster answers on the internet, to ${cluster.publicAccess.join(', ')}`,
      commands: [
        `aws eks update-kubeconfig --region ${region} --name ${cluster.name}`,
        'kubectl get pods --all-namespaces',
      ],
    },
  ]
}

function connectWay({ bastion, connectEndpoints = [], region }: OtherWaysFacts): OtherWay[] {
  const ready = connectEndpoints.find(({ state }) => state === 'create-complete')
  if (ready === undefined || bastion === undefined) return []
  return [
    {
      way: 'instance-connect-endpoint',
      says: `the endpoint ${ready.id} leads to port 22 of the bastion, if its security group lets it in and sshd runs`,
      commands: [
        `aws ec2-instance-connect ssh --region ${region} --instance-id ${bastion} --connection-type eice --eice-options endpointId=${ready.id}`,
      ],
    },
  ]
}

function serialWay({ bastion, serialConsole, region }: OtherWaysFacts): OtherWay[] {
  if (serialConsole !== true || bastion === undefined) return []
  return [
    {
      way: 'serial-console',
      says: 'the account allows the serial console, which asks for the password of a user of the bastion',
      commands: [
        `aws ec2-instance-connect send-serial-console-ssh-public-key --region ${region} --instance-id ${bastion} --serial-port 0 --ssh-public-key file://~/.ssh/id_ed25519.pub`,
        `ssh -i ~/.ssh/id_ed25519 ${bastion}.port0@serial-console.ec2-instance-connect.${region}.aws`,
      ],
    },
  ]
}
