import { defineConfig } from 'vite';

export default defineConfig({
    // Relative addresses: the page works at the root of a host and below a path of an ingress alike.
    base: './',
    build: {
        target: 'es2022',
        // No data: addresses, so that the content security policy can name 'self' alone.
        assetsInlineLimit: 0,
        // The licences of what is bundled travel with it.
        license: { fileName: 'licenses.md' },
        modulePreload: { polyfill: false },
        chunkSizeWarningLimit: 600,
        rolldownOptions: {
            output: {
                // Epic's library changes less often than the page, and `npm run size` leaves it out.
                codeSplitting: { groups: [{ name: 'epic', test: /node_modules\/(@epicgames-ps|sdp)\// }] }
            }
        }
    }
});
