import './main.css'
import { render } from 'preact'
import { followLinks } from './route/location.js'
import { App } from './shell/app.js'

followLinks()
render(<App />, document.body)
