import type { Bucket } from '#core/installation/buckets.ts'
import { isManaged } from '#core/installation/cluster-contents.ts'
import type { Datastore } from '#core/installation/datastores.ts'
import type { Inventory, Trail } from '#core/installation/inventory.ts'
import type { Network, ScalingGroup, SecurityGroup } from '#core/installation/network.ts'

/** What an installation consists of, for a program; the fields are listed in `docs/json-output.md`. */
export function inventoryDocument(inventory: Inventory): object {
  const { bastionGroups, securityGroups, network, loadBalancers, datastores, buckets } = inventory
  const { trail, contents, unreadable } = inventory
  return {
    managed: isManaged(contents) ?? null,
    services: contents?.services ?? null,
    monitors: contents?.monitors ?? null,
    bastionGroups: bastionGroups.map(scalingGroupDocument),
    securityGroups: securityGroups.map(securityGroupDocument),
    network: network === undefined ? null : networkDocument(network),
    loadBalancers: loadBalancers.map(({ host, ...balancer }) => ({ ...balancer, host: host ?? null })),
    datastores: datastores.map(datastoreDocument),
    buckets: buckets.map(bucketDocument),
    trail: trail === undefined ? null : trailDocument(trail),
    unreadable: unreadable.map(({ part, action, error }) => ({ part, action, code: error.code })),
  }
}

function scalingGroupDocument({
  name,
  minimum,
  maximum,
  desired,
  zones,
  instances,
  suspended,
}: ScalingGroup) {
  return { name, minimum, maximum, desired, zones, instances, suspended }
}

function securityGroupDocument({ id, name, inbound }: SecurityGroup): object {
  return {
    id,
    name: name ?? null,
    inbound: inbound.map(({ protocol, ports, sources }) => ({
      protocol,
      fromPort: ports?.[0] ?? null,
      toPort: ports?.[1] ?? null,
      sources,
    })),
  }
}

function networkDocument(network: Network): object {
  const { id, name, ranges, subnets, routeTables, natGateways } = network
  const { internetGateways, elasticAddresses, endpoints } = network
  return {
    id,
    name: name ?? null,
    ranges,
    subnets: subnets.map((subnet) => ({
      id: subnet.id,
      name: subnet.name ?? null,
      kind: subnet.kind,
      zone: subnet.zone ?? null,
      range: subnet.range ?? null,
    })),
    routeTables: routeTables.map((table) => ({
      id: table.id,
      name: table.name ?? null,
      main: table.main,
      subnets: table.subnetIds,
      routes: table.routes.map(({ to, via, active }) => ({ to, via, active })),
    })),
    natGateways: natGateways.map((gateway) => ({
      id: gateway.id,
      name: gateway.name ?? null,
      state: gateway.state,
      subnet: gateway.subnetId ?? null,
      regional: gateway.regional,
      publicAddresses: gateway.publicAddresses,
    })),
    internetGateways: internetGateways.map((each) => ({ id: each.id, name: each.name ?? null })),
    elasticAddresses: elasticAddresses.map((each) => ({
      id: each.id,
      name: each.name ?? null,
      address: each.address,
      usedBy: each.usedBy ?? null,
    })),
    endpoints: endpoints.map((each) => ({
      id: each.id,
      name: each.name ?? null,
      service: each.service,
      type: each.type,
      state: each.state,
    })),
  }
}

function datastoreDocument(store: Datastore): object {
  const { name, engine, id, product, status, topology, nodes, zones, multiZone, endpoints } = store
  return {
    name,
    engine,
    id,
    product,
    version: store.version ?? null,
    status,
    topology,
    nodes,
    zones,
    multiZone,
    sizeClass: store.sizeClass ?? null,
    endpoints: endpoints.map(({ host, port }) => ({ host, port })),
    encryptedAtRest: store.encryptedAtRest ?? null,
    encryptedInTransit: store.encryptedInTransit ?? null,
    public: store.public ?? null,
    backupWindow: store.backupWindow ?? null,
    maintenanceWindow: store.maintenanceWindow ?? null,
    retentionDays: store.retentionDays ?? null,
  }
}

function bucketDocument(bucket: Bucket): object {
  const { name, id, region, versioning, noncurrentDays, meantPublic } = bucket
  return {
    name,
    id,
    region: region ?? null,
    versioning: versioning ?? null,
    noncurrentDays: noncurrentDays ?? null,
    public: bucket.public ?? null,
    meantPublic,
  }
}

function trailDocument({ name, logging, allRegions, bucket, validated }: Trail): object {
  return { name, logging: logging ?? null, allRegions, bucket: bucket ?? null, validated }
}
