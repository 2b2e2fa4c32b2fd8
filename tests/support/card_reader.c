// A PKCS#11 module for tests: SoftHSM's tokens as cards that come and go. $CARD_READER is a folder;
// a file there called
//
//     card        means that the cards are in the reader
//     busy        that they open no session
//     final_try   that one more wrong PIN locks them
//     no_pss      that they do not know RSA-PSS
//
// Each C_Login is a line on standard error.
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CK_FUNCTION_LIST* softhsm;
static CK_FUNCTION_LIST ours;

static int IsThere(const char* file) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", getenv("CARD_READER"), file);
  return access(path, F_OK) == 0;
}

static CK_RV GetSlotList(CK_BBOOL with_token, CK_SLOT_ID* slots, CK_ULONG* count) {
  if (IsThere("card")) return softhsm->C_GetSlotList(with_token, slots, count);
  *count = 0;
  return CKR_OK;
}

static CK_RV GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO* info) {
  if (!IsThere("card")) return CKR_TOKEN_NOT_PRESENT;
  const CK_RV code = softhsm->C_GetTokenInfo(slot, info);
  if (code == CKR_OK && IsThere("final_try")) info->flags |= CKF_USER_PIN_FINAL_TRY;
  return code;
}

static CK_RV GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO* info) {
  const int pss = type == CKM_RSA_PKCS_PSS || type == CKM_SHA256_RSA_PKCS_PSS;
  if (pss && IsThere("no_pss")) return CKR_MECHANISM_INVALID;
  return softhsm->C_GetMechanismInfo(slot, type, info);
}

static CK_RV OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void* application, CK_NOTIFY notify,
                         CK_SESSION_HANDLE* session) {
  if (IsThere("busy")) return CKR_DEVICE_ERROR;
  return softhsm->C_OpenSession(slot, flags, application, notify, session);
}

static CK_RV Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR* pin, CK_ULONG size) {
  static const char line[] = "C_Login\n";
  const ssize_t written = write(STDERR_FILENO, line, strlen(line));
  (void)written;
  return softhsm->C_Login(session, user, pin, size);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  void* module = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
  if (module == NULL) return CKR_GENERAL_ERROR;
  CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList");
  const CK_RV code = get(&softhsm);
  if (code != CKR_OK) return code;
  ours = *softhsm;
  ours.C_GetSlotList = GetSlotList;
  ours.C_GetTokenInfo = GetTokenInfo;
  ours.C_GetMechanismInfo = GetMechanismInfo;
  ours.C_OpenSession = OpenSession;
  ours.C_Login = Login;
  *list = &ours;
  return CKR_OK;
}
