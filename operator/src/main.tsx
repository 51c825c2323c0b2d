import { render } from 'preact';
import './styles/page.css';
import './styles/controls.css';
import './styles/table.css';
import './styles/views.css';
import { Access, tabStorage } from './access';
import { App } from './app';

const place = document.getElementById('page');
if (place === null) {
    throw new Error('index.html has no element #page');
}
// The page lies in a folder beside the API's.
const base = new URL('..', document.baseURI).href.replace(/\/$/, '');
render(<App access={new Access(tabStorage())} base={base} />, place);
