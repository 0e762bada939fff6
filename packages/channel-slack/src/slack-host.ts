/** Whether a host is Slack's own. https://docs.slack.dev/reference/objects/file-object#authentication */
export const isSlackHost = (hostname: string): boolean => /(^|\.)(slack\.com|slack-gov\.com)$/.test(hostname)
