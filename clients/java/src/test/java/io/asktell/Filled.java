package io.asktell;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;

/** Messages with a value in every field, also in those that the contract will get one day. */
final class Filled {
  private Filled() {}

  @SuppressWarnings("unchecked")
  static <M extends Message> M of(M empty) {
    Message.Builder message = empty.newBuilderForType();
    for (FieldDescriptor field : empty.getDescriptorForType().getFields()) {
      if (field.isRepeated()) {
        message.addRepeatedField(field, value(message, field));
      } else {
        message.setField(field, value(message, field));
      }
    }
    return (M) message.build();
  }

  private static Object value(Message.Builder message, FieldDescriptor field) {
    return switch (field.getJavaType()) {
      case INT -> 1;
      case LONG -> 1L;
      case FLOAT -> 0.5f;
      case DOUBLE -> 0.5;
      case BOOLEAN -> true;
      case STRING -> field.getName();
      case BYTE_STRING -> ByteString.copyFromUtf8(field.getName());
      case ENUM -> field.getEnumType().findValueByNumber(1);
      case MESSAGE -> of(message.newBuilderForField(field).build());
    };
  }
}
