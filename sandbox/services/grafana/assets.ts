/**
 * The many files that a dashboard page loads. Their number and the spread of their sizes (half a kilobyte to a few
 * hundred) are what makes such a page hard on a tunnel: a browser asks for them all at once.
 */

import { createHash } from 'node:crypto'
import { chunksOf } from '../payload-content.ts'
import { DASHBOARD_SCRIPT, LOGIN_SCRIPT } from './scripts.ts'
import { STYLESHEET } from './style.ts'

export interface Asset {
  readonly path: string
  readonly type: string
  readonly body: Buffer
  readonly etag: string
}

const PLUGINS = (
  'alert-list annotations bar-chart bar-gauge candlestick canvas data-grid debug flame-graph gauge geo-map heat-map ' +
  'histogram icon log-rows news node-graph pie-chart query-editor row-layout sankey stat state-timeline status-history ' +
  'table text time-picker time-series trace-view transform trend variables xy-chart zoom'
).split(' ')
const THEMES = ['base', 'panels', 'forms', 'tables', 'navigation', 'charts', 'icons', 'print']
const ICONS = (
  'alarm bell bolt calendar clock cloud cluster compass database disk filter flag gauge globe graph grid heart key ' +
  'layers link lock memory network pulse'
).split(' ')

const TYPES = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
} as const

/** Every asset, made anew and always the same; the pages ask for those of their `kind`. */
export function buildAssets(): readonly Asset[] {
  return [
    asset('login', 'js', LOGIN_SCRIPT),
    asset('dashboard', 'js', DASHBOARD_SCRIPT),
    ...PLUGINS.map((name, index) => asset(`plugin-${name}`, 'js', plugin(name, index))),
    ...THEMES.map((name, index) =>
      asset(`theme-${name}`, 'css', index === 0 ? STYLESHEET : theme(name, index)),
    ),
    ...ICONS.map((name, index) => asset(`icon-${name}`, 'svg', icon(name, index))),
  ]
}

/** Names a file by its content, as bundlers do, so that a browser may keep it for ever. */
function asset(name: string, extension: keyof typeof TYPES, text: string): Asset {
  const body = Buffer.from(text)
  const digest = createHash('sha256').update(body).digest('hex')
  return {
    path: `/public/build/${name}.${digest.slice(0, 12)}.${extension}`,
    type: TYPES[extension],
    body,
    etag: `"${digest.slice(0, 32)}"`,
  }
}

/** A script that registers itself, heavy with a table as compiled code is; 1 KiB to about 300. */
function plugin(name: string, index: number): string {
  const weight = 700 + ((index * 7919) % 97) ** 2 * 24
  const [table = Buffer.alloc(0)] = chunksOf({ kind: 'random', seed: `plugin ${name}`, bytes: weight })
  return `;(window.panelPlugins ??= []).push({ name: '${name}', table: '${table.toString('base64')}' })\n`
}

function theme(name: string, index: number): string {
  const rules = Array.from({ length: 20 * index * index }, (_, rule) => {
    const hue = (rule * 37 + index * 11) % 360
    return `.${name}-${rule} { color: hsl(${hue} 60% 70%); border-color: hsl(${hue} 40% 30%); margin: ${rule % 9}px; }`
  })
  return `${rules.join('\n')}\n`
}

/** A ring of spokes, another number of them for each icon. */
function icon(name: string, index: number): string {
  const spokes = Array.from({ length: 3 + index }, (_, spoke) => {
    const angle = (2 * Math.PI * spoke) / (3 + index)
    const point = (radius: number) =>
      `${(16 + radius * Math.cos(angle)).toFixed(3)} ${(16 + radius * Math.sin(angle)).toFixed(3)}`
    return `  <path d="M${point(5)}L${point(13)}"/>\n`
  })
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" ` +
    `stroke="hsl(${index * 15} 60% 65%)" stroke-width="1.6" stroke-linecap="round">\n  <title>${name}</title>\n` +
    `  <circle cx="16" cy="16" r="14"/>\n${spokes.join('')}</svg>\n`
  )
}
