import type { CacheCluster } from '@aws-sdk/client-elasticache'
import type { DBInstance } from '@aws-sdk/client-rds'

/** The security groups of a database, or of a cluster of databases. */
export function databaseGroups({ VpcSecurityGroups = [] }: Pick<DBInstance, 'VpcSecurityGroups'>): string[] {
  return VpcSecurityGroups.flatMap(({ VpcSecurityGroupId }) => VpcSecurityGroupId ?? [])
}

/** The security groups of a cache; those of a replication group are its members'. */
export function cacheGroups({ SecurityGroups = [] }: Pick<CacheCluster, 'SecurityGroups'>): string[] {
  return SecurityGroups.flatMap(({ SecurityGroupId }) => SecurityGroupId ?? [])
}
