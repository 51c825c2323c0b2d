import { defineConfig } from 'vite';

export default defineConfig({
    root: import.meta.dirname,
    build: {
        target: 'es2022',
        lib: { entry: 'src/embed.ts', formats: ['es'], fileName: 'embed' }
    }
});
