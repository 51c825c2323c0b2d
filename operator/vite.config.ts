import { defineConfig } from 'vite';

export default defineConfig({
    // Relative addresses: the page works below any path of an ingress.
    base: './',
    build: {
        target: 'es2022',
        // No data: addresses, so that the content security policy can name 'self' alone.
        assetsInlineLimit: 0,
        // The licences of what is bundled travel with it.
        license: { fileName: 'licenses.md' },
        modulePreload: { polyfill: false }
    }
});
