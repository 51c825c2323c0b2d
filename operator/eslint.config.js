import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
    // The definitions are generated from the session API's.
    { ignores: ['**/dist', 'eslint.config.js', 'src/api/definitions.ts'] },
    js.configs.recommended,
    tseslint.configs.strictTypeChecked,
    {
        languageOptions: { parserOptions: { projectService: true } },
        rules: { '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }] }
    }
);
