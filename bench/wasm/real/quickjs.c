// SPDX-License-Identifier: Apache-2.0
/* QuickJS: evaluates quickjs.js, whose value is the checksum. */
#include "bench.h"

#include <quickjs.h>
#include <stdlib.h>

static const char script[] =
#include "script.h"
    ;

uint64_t kernel(void)
{
    JSRuntime *runtime = JS_NewRuntime();
    JSContext *context = runtime ? JS_NewContext(runtime) : NULL;
    int64_t sum;
    if (!context)
        abort();
    JSValue value = JS_Eval(context, script, sizeof script - 1, "script", JS_EVAL_TYPE_GLOBAL);
    if (JS_IsException(value) || JS_ToInt64(context, &sum, value) != 0)
        abort();
    JS_FreeValue(context, value);
    JS_FreeContext(context);
    JS_FreeRuntime(runtime);
    return (uint64_t)sum;
}
