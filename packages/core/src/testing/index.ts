/**
 * For tests of channels: the contract as test cases for any runner, and a fake provider that fails on demand.
 * @packageDocumentation
 */
export { channelSuite } from './channel-suite.js'
export { characters } from './characters.js'
export { contentSamples } from './content-samples.js'
export {
  type Answer,
  type FakeProvider,
  type FakeProviderOptions,
  type Fault,
  fakeProvider,
  faults,
  type ProviderCall,
} from './fake-provider.js'
export {
  type ChannelFixtures,
  type ListenProvider,
  type Outcome,
  type Recording,
  readRecordings,
  usualOutcomes,
} from './fixtures.js'
export { hostilePayloads } from './hostile-payloads.js'
export { memoryState } from './memory-state.js'
export { slowness } from './slowness.js'
export type { Subject, SuiteCase } from './stage.js'
