// SPDX-License-Identifier: Apache-2.0
/* Lua: runs lua.lua, whose result is the checksum. */
#include "bench.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>

static const char script[] =
#include "script.h"
    ;

static const luaL_Reg libraries[] = {
    {LUA_GNAME, luaopen_base},
    {LUA_TABLIBNAME, luaopen_table},
    {LUA_STRLIBNAME, luaopen_string},
    {LUA_MATHLIBNAME, luaopen_math},
};

uint64_t kernel(void)
{
    lua_State *lua = luaL_newstate();
    if (!lua)
        abort();
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(lua, libraries[i].name, libraries[i].func, 1);
        lua_pop(lua, 1);
    }
    if (luaL_loadbuffer(lua, script, sizeof script - 1, "script") != LUA_OK)
        abort();
    lua_call(lua, 0, 1);
    uint64_t sum = (uint64_t)lua_tointeger(lua, -1);
    lua_close(lua);
    return sum;
}
