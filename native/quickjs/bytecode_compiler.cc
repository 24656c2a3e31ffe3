// SPDX-License-Identifier: GPL-2.0-or-later

// Runs at build time: `bytecode_compiler NAME SCRIPT` writes a C++ source that defines kProgram (program.h)
// to standard output. It must be built from the same libquickjs as the executable: the format has no other
// promise.

#include <quickjs/quickjs.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace {

std::string ReadScript(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string script((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file || script.empty()) throw std::runtime_error("cannot read " + path);
  return script;
}

void Compile(const std::string& name, const std::string& path) {
  const std::string script = ReadScript(path);
  JSRuntime* runtime = JS_NewRuntime();
  // Line numbers stay, for the place in an error's text; the script's text does not.
  JS_SetStripInfo(runtime, JS_STRIP_SOURCE);
  JSContext* context = JS_NewContext(runtime);
  const std::string file_name = name + ".js";
  const JSValue compiled = JS_Eval(context, script.c_str(), script.size(), file_name.c_str(),
                                   JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  if (JS_IsException(compiled)) {
    throw std::runtime_error(path + ": " + JS_ToCString(context, JS_GetException(context)));
  }
  size_t size;
  const uint8_t* bytecode = JS_WriteObject(context, &size, compiled, JS_WRITE_OBJ_BYTECODE);
  if (bytecode == nullptr) throw std::runtime_error(path + ": cannot write the bytecode");

  std::cout << "// SPDX-License-Identifier: GPL-2.0-or-later\n// Made by bytecode_compiler from " << file_name
            << ".\n#include \"quickjs/program.h\"\nnamespace sluice {\n"
            << "static const uint8_t kBytecode[] = {";
  for (size_t i = 0; i < size; i++) std::cout << (i % 32 == 0 ? "\n" : "") << int{bytecode[i]} << ',';
  std::cout << "};\nextern const Program kProgram = {\"" << name << "\", kBytecode, sizeof kBytecode};\n}\n";
  if (!std::cout.flush()) throw std::runtime_error("cannot write the source");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: bytecode_compiler NAME SCRIPT\n";
    return 1;
  }
  try {
    Compile(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
