import { settingRows } from '../../src/config/settings.js'

const { initial } = settingRows.find(({ key }) => key === 'PLUGBOARD_CHANNELS') ?? { initial: '' }

/** Names of the channels that a server loads by default, in the order of the setting. */
export const channelNames: readonly string[] = initial
  .split(',')
  .map((name) => name.replace('@plugboard/channel-', ''))
