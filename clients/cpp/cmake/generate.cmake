# asktell_generate(OUT ROOT dir [GRPC] FILES a.proto ...): C++ of proto files, made when the project is built. Code that
# another protoc has made does not mix with the headers installed here, so none is checked in.
set(ASKTELL_GENERATED_DIR "${CMAKE_CURRENT_BINARY_DIR}/generated")
find_program(ASKTELL_GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

function(asktell_generate out)
  cmake_parse_arguments(arg "GRPC" "ROOT" "FILES;IMPORTS" ${ARGN})
  set(sources)
  foreach(file IN LISTS arg_FILES)
    string(REGEX REPLACE "\\.proto$" "" stem "${file}")
    set(made "${ASKTELL_GENERATED_DIR}/${stem}.pb.cc" "${ASKTELL_GENERATED_DIR}/${stem}.pb.h")
    set(options --cpp_out "${ASKTELL_GENERATED_DIR}" -I "${arg_ROOT}")
    foreach(root IN LISTS arg_IMPORTS)
      list(APPEND options -I "${root}")
    endforeach()
    if(arg_GRPC AND stem MATCHES "_service$")
      list(APPEND made "${ASKTELL_GENERATED_DIR}/${stem}.grpc.pb.cc" "${ASKTELL_GENERATED_DIR}/${stem}.grpc.pb.h")
      list(APPEND options --grpc_out "${ASKTELL_GENERATED_DIR}" "--plugin=protoc-gen-grpc=${ASKTELL_GRPC_CPP_PLUGIN}")
    endif()
    add_custom_command(
      OUTPUT ${made}
      COMMAND "${CMAKE_COMMAND}" -E make_directory "${ASKTELL_GENERATED_DIR}"
      COMMAND protobuf::protoc ${options} "${arg_ROOT}/${file}"
      DEPENDS "${arg_ROOT}/${file}"
      VERBATIM)
    list(APPEND sources ${made})
  endforeach()
  set(${out} ${sources} PARENT_SCOPE)
endfunction()
