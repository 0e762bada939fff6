/** The version of 2026-07-29, the newest one: https://developers.facebook.com/docs/graph-api/changelog/versions */
export const GRAPH_VERSION = 'v26.0'
