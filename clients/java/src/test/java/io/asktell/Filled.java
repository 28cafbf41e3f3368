package io.asktell;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Message;
import java.util.HashSet;
import java.util.Set;

/** Messages with a value in every field, also in those that the contract will get one day. */
final class Filled {
  private Filled() {}

  @SuppressWarnings("unchecked")
  static <M extends Message> M of(M empty) {
    return (M) of(empty, Set.of());
  }

  /** Without the fields that would hold a message within one of its own kind, without an end. */
  private static Message of(Message empty, Set<Descriptor> around) {
    Message.Builder message = empty.newBuilderForType();
    Set<Descriptor> within = new HashSet<>(around);
    within.add(empty.getDescriptorForType());
    for (FieldDescriptor field : empty.getDescriptorForType().getFields()) {
      if (field.getJavaType() == JavaType.MESSAGE && within.contains(field.getMessageType())) {
        continue;
      }
      if (field.isRepeated()) {
        message.addRepeatedField(field, value(message, field, within));
      } else {
        message.setField(field, value(message, field, within));
      }
    }
    return message.build();
  }

  private static Object value(
      Message.Builder message, FieldDescriptor field, Set<Descriptor> around) {
    return switch (field.getJavaType()) {
      case INT -> 1;
      case LONG -> 1L;
      case FLOAT -> 0.5f;
      case DOUBLE -> 0.5;
      case BOOLEAN -> true;
      case STRING -> field.getName();
      case BYTE_STRING -> ByteString.copyFromUtf8(field.getName());
      case ENUM -> field.getEnumType().findValueByNumber(1);
      case MESSAGE -> of(message.newBuilderForField(field).build(), around);
    };
  }
}
