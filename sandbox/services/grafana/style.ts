/** The stylesheet of the dashboard pages. */
export const STYLESHEET = `
:root { color-scheme: dark; --ground: #14161c; --panel: #1d212b; --edge: #2c3240; --ink: #dfe3ec; --soft: #8c94a6;
  --hermes: #7ad0b2; --cerberus: #f0b35c; --payload: #8ea8f7; --accent: #ef7b5a; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header { display: flex; align-items: center; gap: 12px; padding: 12px 24px; border-bottom: 1px solid var(--edge); }
header h1 { font-size: 17px; margin: 0; font-weight: 600; }
header .crumbs { color: var(--soft); }
header .live { margin-left: auto; color: var(--soft); }
header .live::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 8px;
  border-radius: 50%; background: var(--edge); }
header .live.on::before { background: var(--hermes); }
main.board { display: grid; grid-template-columns: repeat(12, 1fr); gap: 14px; padding: 18px 24px; }
.panel { background: var(--panel); border: 1px solid var(--edge); border-radius: 8px; padding: 14px 16px; min-width: 0; }
.panel h2 { font-size: 13px; font-weight: 500; color: var(--soft); margin: 0 0 6px; }
.panel.stat { grid-column: span 3; }
.panel.wide { grid-column: span 12; }
.panel.half { grid-column: span 6; }
.panel .value { font-size: 30px; font-weight: 600; font-variant-numeric: tabular-nums; }
.panel .unit { font-size: 14px; color: var(--soft); margin-left: 4px; }
.panel svg.chart { width: 100%; height: 180px; display: block; }
.legend { display: flex; gap: 18px; font-size: 13px; color: var(--soft); }
.legend i { display: inline-block; width: 10px; height: 3px; margin-right: 6px; vertical-align: middle; }
.icons { display: flex; flex-wrap: wrap; gap: 10px; }
.icons img { width: 26px; height: 26px; }
main.login { min-height: 100vh; display: grid; place-items: center; }
main.login form { background: var(--panel); border: 1px solid var(--edge); border-radius: 12px; padding: 32px;
  width: min(380px, 92vw); display: grid; gap: 14px; }
main.login h1 { margin: 0; font-size: 22px; }
main.login p { margin: 0; color: var(--soft); }
label { display: grid; gap: 4px; font-size: 13px; color: var(--soft); }
input { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--edge); border-radius: 6px;
  padding: 9px 11px; }
input:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
button { font: inherit; font-weight: 600; color: #20120d; background: var(--accent); border: 0; border-radius: 6px;
  padding: 10px; cursor: pointer; }
[role=alert] { color: #ff9b8a; min-height: 1.5em; }
@media (max-width: 760px) { .panel.stat { grid-column: span 6; } .panel.half { grid-column: span 12; } }
`.trimStart()
