import { digits } from '#sandbox/worlds/ids.ts'
import { tagsOf, type World } from '#sandbox/worlds/installation.ts'
import { groupIdOf, subnetsOf } from '#sandbox/worlds/network.ts'
import { AwsError } from '../aws-error.ts'
import { queryDialect } from '../dialects/query.ts'
import { listIn } from '../query-input.ts'
import { type QueryPages, queryPage } from '../query-pages.ts'
import type { AwsService, Call, Input } from '../service.ts'
import { many, type XmlValue } from '../xml.ts'

const PAGES: QueryPages = {
  size: 'PageSize',
  token: 'Marker',
  least: 1,
  most: 400,
  badToken: 'ValidationError',
  badSize: 'ValidationError',
}
const MOST_TAGGED = 20

/** Elastic Load Balancing with the one that the cluster's ingress made: the public entrance. */
export function createLoadBalancing(): AwsService {
  return {
    name: 'elasticloadbalancing',
    dialect: queryDialect('2015-12-01', 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/'),
    operations: {
      DescribeLoadBalancers: { resources: () => [], run: describeLoadBalancers },
      DescribeListeners: { resources: () => [], run: describeListeners },
      DescribeTags: { resources: () => [], run: describeTags },
    },
  }
}

function describeLoadBalancers(input: Input, call: Call): object {
  const { world } = call
  const names = listIn(input, 'Names.member')
  const arns = listIn(input, 'LoadBalancerArns.member')
  const known = world === undefined ? [] : [world]
  for (const name of names) if (name !== world?.workspace) throw missing(name)
  for (const arn of arns) if (world === undefined || arn !== arnOf(world)) throw missing(arn)
  const { items, next } = queryPage(known, input, call, PAGES)
  return { LoadBalancers: many('member', items.map(describe)), NextMarker: next }
}

function describe(world: World): XmlValue {
  const name = world.workspace
  return {
    LoadBalancerArn: arnOf(world),
    LoadBalancerName: name,
    DNSName: `${name}-${Number.parseInt(digits(name, 7), 16)}.${world.region}.elb.amazonaws.com`,
    CanonicalHostedZoneId: 'Z215JYRZR1TBD5',
    CreatedTime: '2026-03-02T10:21:44.870Z',
    Scheme: 'internet-facing',
    VpcId: world.network.vpcId,
    State: { Code: 'active' },
    Type: 'application',
    AvailabilityZones: many(
      'member',
      subnetsOf(world, 'public').map(({ zone, subnetId }) => ({
        ZoneName: `${world.region}${zone}`,
        SubnetId: subnetId,
        LoadBalancerAddresses: many('member', []),
      })),
    ),
    SecurityGroups: many('member', [groupIdOf(world, 'load-balancer')]),
    IpAddressType: 'ipv4',
  }
}

function describeListeners(input: Input, call: Call): object {
  const { world } = call
  const arn = input['LoadBalancerArn']
  const wanted = listIn(input, 'ListenerArns.member')
  if (arn === undefined && wanted.length === 0)
    throw new AwsError('ValidationError', 'You must specify either listener ARNs or a load balancer ARN')
  if (arn !== undefined && (world === undefined || arn !== arnOf(world))) throw missing(String(arn))
  const all = world === undefined ? [] : listenersOf(world)
  for (const listener of wanted)
    if (!all.some(({ ListenerArn }) => ListenerArn === listener))
      throw new AwsError('ListenerNotFound', `One or more listeners not found`)
  const found = all.filter(({ ListenerArn }) => wanted.length === 0 || wanted.includes(ListenerArn))
  const { items, next } = queryPage(found, input, call, PAGES)
  return { Listeners: many('member', items), NextMarker: next }
}

/** HTTPS to the cluster, and HTTP, which only leads to HTTPS. */
function listenersOf(world: World) {
  const balancer = arnOf(world)
  const listener = (port: number, fields: Record<string, XmlValue>) => ({
    ListenerArn: `${balancer.replace(':loadbalancer/', ':listener/')}/${digits(`${balancer} ${port}`, 16)}`,
    LoadBalancerArn: balancer,
    Port: port,
    ...fields,
  })
  const target = `arn:aws:elasticloadbalancing:${world.region}:${world.account}:targetgroup/k8s-paragon/${digits(`${balancer} target`, 16)}`
  return [
    listener(443, {
      Protocol: 'HTTPS',
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
      Certificates: many('member', [
        {
          CertificateArn: `arn:aws:acm:${world.region}:${world.account}:certificate/8a3d5f10-27c4-4be9-b6f1-d0925c7e4a38`,
        },
      ]),
      DefaultActions: many('member', [{ Type: 'forward', TargetGroupArn: target, Order: 1 }]),
    }),
    listener(80, {
      Protocol: 'HTTP',
      DefaultActions: many('member', [
        {
          Type: 'redirect',
          Order: 1,
          RedirectConfig: { Protocol: 'HTTPS', Port: '443', Host: '#{host}', StatusCode: 'HTTP_301' },
        },
      ]),
    }),
  ]
}

function describeTags(input: Input, { world }: Call): object {
  const arns = listIn(input, 'ResourceArns.member')
  if (arns.length === 0 || arns.length > MOST_TAGGED)
    throw new AwsError('ValidationError', `Between 1 and ${MOST_TAGGED} resources can be described at once`)
  return {
    TagDescriptions: many(
      'member',
      arns.map((arn) => {
        if (world === undefined || arn !== arnOf(world)) throw missing(arn)
        const tags = {
          ...tagsOf(world, world.workspace),
          'elbv2.k8s.aws/cluster': world.cluster.name,
          'ingress.k8s.aws/stack': 'paragon',
        }
        const list = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
        return { ResourceArn: arn, Tags: many('member', list) }
      }),
    ),
  }
}

function arnOf({ region, account, workspace }: World): string {
  return `arn:aws:elasticloadbalancing:${region}:${account}:loadbalancer/app/${workspace}/${digits(workspace, 16)}`
}

function missing(what: string): AwsError {
  return new AwsError('LoadBalancerNotFound', `Load balancers '[${what}]' not found`)
}
