import { defineConfig } from 'vite';

export default defineConfig({
    // Relative addresses: the page works at the root of a host and below a path of an ingress alike.
    base: './',
    build: {
        target: 'es2022',
        // No data: addresses, so that the content security policy can name 'self' alone.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        chunkSizeWarningLimit: 600
    }
});
