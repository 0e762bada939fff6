import { connect } from './config.js'
import { deliver, edit, remove } from './deliver.js'
import { classify } from './failure.js'
import { parse } from './inbound.js'
import { render } from './outbound.js'
import { verify } from './verify.js'

export const runtime = { connect, verify, parse, render, deliver, edit, remove, classify }
