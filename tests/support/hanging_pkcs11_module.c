/* A PKCS#11 module without tokens. Who asks for them waits until somebody has opened the FIFO that
   $DETACH_TEST_GATE names for writing, and has closed it again; or not, where there is none. At
   $DETACH_TEST_EXIT so does who exits. */

#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <stdlib.h>
#include <unistd.h>

static void WaitAt(const char* variable) {
  const char* gate = getenv(variable);
  const int opened = gate != NULL ? open(gate, O_RDONLY) : -1;
  char byte = 0;
  while (opened >= 0 && read(opened, &byte, 1) > 0) {
  }
  if (opened >= 0) close(opened);
}

__attribute__((destructor)) static void Exit(void) { WaitAt("DETACH_TEST_EXIT"); }

static CK_RV Initialize(void* arguments) {
  (void)arguments;
  return CKR_OK;
}

static CK_RV GetSlotList(CK_BBOOL present, CK_SLOT_ID* slots, CK_ULONG* count) {
  (void)present;
  (void)slots;
  WaitAt("DETACH_TEST_GATE");
  *count = 0;
  return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST** functions) {
  static CK_FUNCTION_LIST list;
  list.C_Initialize = Initialize;
  list.C_GetSlotList = GetSlotList;
  *functions = &list;
  return CKR_OK;
}
