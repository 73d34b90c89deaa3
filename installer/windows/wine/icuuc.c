/* Wine before 11.5 has no icuuc.dll, from which Qt takes converters for text in old encodings; Windows has one.
 * This stands in for it where Hearth is tried under Wine, and is never shipped: each converter fails to open. */
#define EXPORT __declspec(dllexport)
#define NO_CONVERTER 4 /* U_FILE_ACCESS_ERROR */

EXPORT void *ucnv_open(const char *name, int *error) { *error = NO_CONVERTER; return 0; }
EXPORT void ucnv_close(void *converter) {}
EXPORT void ucnv_reset(void *converter) {}
EXPORT signed char ucnv_getMaxCharSize(const void *converter) { return 1; }
EXPORT const char *ucnv_getName(const void *converter, int *error) { *error = NO_CONVERTER; return 0; }
EXPORT void ucnv_getToUCallBack(const void *converter, void **action, const void **context) { *action = 0; *context = 0; }
EXPORT void ucnv_getFromUCallBack(const void *converter, void **action, const void **context) { *action = 0; *context = 0; }
EXPORT void ucnv_setToUCallBack(void *c, void *a, const void *n, void **o, const void **p, int *e) { *e = NO_CONVERTER; }
EXPORT void ucnv_setFromUCallBack(void *c, void *a, const void *n, void **o, const void **p, int *e) { *e = NO_CONVERTER; }
EXPORT void UCNV_FROM_U_CALLBACK_SUBSTITUTE(void) {}
EXPORT void UCNV_TO_U_CALLBACK_SUBSTITUTE(void) {}
EXPORT void ucnv_cbToUWriteUChars(void *a, const void *s, int n, int o, int *error) { *error = NO_CONVERTER; }
EXPORT void ucnv_cbFromUWriteUChars(void *a, const void **s, const void *n, int o, int *error) { *error = NO_CONVERTER; }
EXPORT void ucnv_toUnicode(void *c, void **t, void *m, void **s, void *n, int *o, signed char f, int *e) { *e = NO_CONVERTER; }
EXPORT void ucnv_fromUnicode(void *c, void **t, void *m, void **s, void *n, int *o, signed char f, int *e) { *e = NO_CONVERTER; }
EXPORT int ucnv_toUCountPending(const void *converter, int *error) { *error = NO_CONVERTER; return 0; }
EXPORT int ucnv_fromUCountPending(const void *converter, int *error) { *error = NO_CONVERTER; return 0; }
EXPORT int ucnv_countAvailable(void) { return 0; }
EXPORT const char *ucnv_getAvailableName(int index) { return 0; }
EXPORT const char *ucnv_getStandardName(const char *name, const char *standard, int *error) { *error = NO_CONVERTER; return 0; }
