import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
    { ignores: ['dist', 'eslint.config.js'] },
    js.configs.recommended,
    tseslint.configs.strictTypeChecked,
    { languageOptions: { parserOptions: { projectService: true } } }
);
